"""Which column plays which role: guessed from names and contents, with the reason told, or as a person says."""

import polars as pl

from tailor.data.columns import NAMES, describe_columns, name_score
from tailor.data.role_search import SURE_NAME, TIES, Role, RoleSearch
from tailor.errors import WorkbenchError
from tailor.records import Task

CONTENTS = (
    *(
        "conversation",
        "system",
        "history",
        "input",
        "context",
        "output",
        "label",
        "chosen",
        "rejected",
        "winner",
    ),
    *("speaker",),
)
"""Roles whose column holds what a model sees or learns: no column can have two of them."""


def find_roles(frame: pl.DataFrame, task: Task, chosen: dict[str, str]) -> dict[str, Role]:
    """Give each role its column.

    The needed ones are input and label (`classify`); for `respond` the first that fits of: chosen and rejected answers
    (with the prompt), a conversation, one turn a row (thread, speaker and text), input and output.

    Args:
        chosen: role -> column as a person says; "" to guess, "none" for no such column.

    Raises:
        WorkbenchError: a column that is not there or cannot play its role, one in two roles, or none for a needed role.
    """
    search = _Shapes(describe_columns(frame), chosen)
    if task == "classify":
        search.classify()
    else:
        search.respond()
    for role in TIES:
        search.guess(role)
    _check_pairs(search.roles, task)
    return {role: search.roles[role] for role in (*CONTENTS, "turn", *TIES) if role in search.roles}


class _Shapes(RoleSearch):
    """What each shape of data needs, tried in turn."""

    def classify(self) -> None:
        for role in ("label", "input"):
            self.guess(role, by_contents=True)
        self.need("input", "label")
        self.guess("context")

    def respond(self) -> None:
        if not self._preference() and not self._conversation() and not self._turns():
            self._input_and_output()
        for role in ("system", "history"):
            if "conversation" not in self.roles or role == "system":
                self.guess(role)

    def _preference(self) -> bool:
        """Two answers to one prompt, by name or as output_1 and output_2 with a column that says which is better."""
        if "output" in self.roles or "conversation" in self.roles:
            return False
        pair = [self.named(role) for role in ("chosen", "rejected")]
        if all(pair):
            self.take(*pair)
        elif "chosen" in self.roles or "rejected" in self.roles:
            return True  # one of the two by hand and no match for the other: told by _check_pairs
        elif not self._numbered_pair():
            return False
        if not self._whole_conversations():
            self.guess("input", by_contents=True)
            self.need("input")
        return True

    def _whole_conversations(self) -> bool:
        """Chosen and rejected hold the prompt themselves, and no column is called one."""
        holds = [self.columns[self.roles[role].column].kind == "messages" for role in ("chosen", "rejected")]
        return all(holds) and self.named("input", least=0.0) is None

    def _numbered_pair(self) -> bool:
        """output_1 and output_2 (answer_a and answer_b) beside a column with 1 or 2 (a or b)."""
        for first in list(self.columns):
            for mark, other in (("1", "2"), ("a", "b"), ("A", "B")):
                second = first[:-1] + other
                winner = self.named("winner", ("label", "number"))
                if first.endswith(mark) and len(first) > 1 and second in self.columns and winner:
                    why = f"'{first}' and '{second}' are two answers, and '{winner.column}' says which is better"
                    self.take(
                        Role("chosen", first, why, 0.8), Role("rejected", second, why, 0.8),
                        Role("winner", winner.column, why, 0.8),
                    )  # fmt: skip
                    return True
        return False

    def _conversation(self) -> bool:
        given = self.roles.get("input")
        if given and self.columns[given.column].kind == "messages" and not self.named("output"):
            self.roles["conversation"] = Role("conversation", given.column, given.reason, given.confidence)
            del self.roles["input"]
        if "conversation" in self.roles:
            return True
        if "input" in self.roles or "output" in self.roles or self.is_off("conversation"):
            return False
        free = [c for c in self.free(("messages",)) if name_score(c.name, NAMES["history"]) < SURE_NAME]
        prompt, answer = self.named("input", ("messages",)), self.named("output")
        if not free or (prompt and answer and prompt.column != answer.column):
            return False
        best = self.named("conversation") or Role(
            "conversation",
            free[0].name,
            "it is the only column with conversations",
            0.8 if len(free) == 1 else 0.5,
        )
        self.take(best)
        return True

    def _turns(self) -> bool:
        """One turn a row: a thread, a speaker and a text."""
        if "speaker" not in self.roles and (
            "input" in self.roles or "output" in self.roles or self.is_off("speaker")
        ):
            return False
        speaker = self.roles.get("speaker") or self.named("speaker")
        if speaker is None or self.columns[speaker.column].filled < 0.9:
            return False
        taken = {**self.roles, "speaker": speaker}
        thread = self.roles.get("thread") or self.named("thread", taken=taken)
        if thread is None or (self.named("output", taken=taken) and "speaker" not in self.roles):
            return False
        self.take(speaker, thread)
        self.guess("input", by_contents=True)
        self.need("input")
        self.guess("turn")
        return True

    def _input_and_output(self) -> None:
        self._instruction()
        # what a name tells goes first: the other one is guessed from the columns that are left
        named = self.named("output", least=0.0) or self.named(
            "output", ("nested",)
        )  # several answers, as in SQuAD
        if named:
            self.take(named)
        for role in ("output", "input") if named else ("input", "output"):
            self.guess(role, by_contents=True)
        self.need("input", "output")
        self.guess("context")

    def _instruction(self) -> None:
        """Alpaca: what to do stands in `instruction`, what to do it on in `input`."""
        names = {name.lower(): name for name in self.columns}
        if "input" in self.roles or "context" in self.roles or not {"instruction", "input"} <= set(names):
            return
        why = "'instruction' says what to do"
        self.take(Role("input", names["instruction"], why, 1.0))
        if self.columns[names["input"]].kind != "empty" and not self.is_off("context"):
            self.take(
                Role("context", names["input"], "beside 'instruction', 'input' holds what to do it on", 1.0)
            )


def _check_pairs(roles: dict[str, Role], task: Task) -> None:
    """Refuse one column in two roles, and roles that need each other."""
    seen: dict[str, str] = {}
    for role in (name for name in CONTENTS if name in roles):
        column = roles[role].column
        if column in seen:
            raise WorkbenchError(
                f"column '{column}' is both {seen[column]} and {role}",
                "two different columns",
                f"change 04_format_data.{seen[column]}_column or {role}_column",
            )
        seen[column] = role
    for role, other in (("chosen", "rejected"), ("rejected", "chosen"), ("speaker", "thread")):
        if role in roles and other not in roles:
            raise WorkbenchError(
                f"04_format_data.{role}_column is '{roles[role].column}', and no column is the {other}",
                f"both: {role} and {other}",
                f"name a column in 04_format_data.{other}_column, or leave {role}_column empty",
            )
    for role in ("output", "conversation", "chosen", "speaker"):
        if task == "classify" and role in roles and roles[role].confidence == 1.0:
            raise WorkbenchError(
                f"04_format_data.{role}_column is '{roles[role].column}', and the task is 'classify'",
                "an input and a label",
                f"empty 04_format_data.{role}_column, or set 01_define_use_case.task to 'respond'",
            )
