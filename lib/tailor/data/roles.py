"""Which column plays which role: guessed from names and contents, with the reason told, or as a person says."""

from dataclasses import dataclass

import polars as pl

from tailor.data.columns import NAMES, Column, Kind, describe_columns, name_score
from tailor.errors import WorkbenchError, did_you_mean
from tailor.records import Task

TIES = ("group", "thread", "time")
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

_KINDS: dict[str, tuple[Kind, ...]] = {
    "input": ("text", "messages"),
    "output": ("text", "label", "messages"),
    "label": ("label",),
    "context": ("text",),
    "system": ("text", "label", "nested"),
    "history": ("nested", "messages"),
    "conversation": ("messages",),
    "chosen": ("text", "label", "messages"),
    "rejected": ("text", "label", "messages"),
    "speaker": ("label", "group", "identifier"),
    "turn": ("number", "label", "group"),
    "group": ("group", "identifier", "label", "text"),
    "thread": ("group", "identifier", "label", "number"),
    "time": ("time",),
}
BY_HAND = ("output", "label")
"""Roles that may be given by hand alone (see `tailor.data.annotations`): 'none' then is no mistake."""

_MEANING = {"input": "text a person writes", "output": "answer to learn", "label": "label to learn"}
_HOLDS = {
    "empty": "nothing",
    "text": "running text",
    "messages": "conversations",
    "nested": "lists or objects",
    "label": "few different short values",
    "time": "dates",
    "number": "numbers",
    "group": "codes that repeat",
    "identifier": "codes that do not repeat",
}
_SURE_NAME = 0.7  # one of the wanted names itself, not merely a word of it


@dataclass(frozen=True)
class Role:
    """A column for a role, why, and how sure (0 to 1; 1 when a person said so)."""

    role: str
    column: str
    reason: str
    confidence: float


def find_roles(frame: pl.DataFrame, task: Task, chosen: dict[str, str]) -> dict[str, Role]:
    """Give each role its column.

    The needed ones are input and label (`classify`); for `respond` the first that fits of: chosen and rejected answers
    (with the prompt), a conversation, one turn a row (thread, speaker and text), input and output.

    Args:
        chosen: role -> column as a person says; "" to guess, "none" for no such column.

    Raises:
        WorkbenchError: a column that is not there or cannot play its role, one in two roles, or none for a needed role.
    """
    search = _Search(describe_columns(frame), chosen)
    if task == "classify":
        search.classify()
    else:
        search.respond()
    for role in TIES:
        search.guess(role)
    _check_pairs(search.roles, task)
    return {role: search.roles[role] for role in (*CONTENTS, "turn", *TIES) if role in search.roles}


class _Search:
    """Roles given so far, and the columns still free."""

    def __init__(self, columns: list[Column], chosen: dict[str, str]) -> None:
        self.columns = {column.name: column for column in columns}
        self.chosen = chosen
        self.roles: dict[str, Role] = {}
        for role, column in chosen.items():
            if column and column != "none":
                self._check(role, column)
                self.roles[role] = Role(role, column, "chosen by hand", 1.0)

    def _check(self, role: str, name: str) -> None:
        if name not in self.columns:
            raise WorkbenchError(
                f"04_format_data.{role}_column is '{name}', and the data has no such column",
                f"one of: {', '.join(self.columns)}",
                f"correct the column's name.{did_you_mean(name, self.columns)}",
            )
        kind = self.columns[name].kind
        strict = role in ("conversation", "history")
        if kind == "empty" or (strict and kind not in _KINDS[role]):
            needed = (
                "conversations: lists of messages with role and content" if strict else "a column with text"
            )
            raise WorkbenchError(
                f"04_format_data.{role}_column is '{name}', and that column holds {_HOLDS[kind]}",
                needed,
                f"choose another column for 04_format_data.{role}_column, or leave it empty",
            )

    # --- what is needed --------------------------------------------------------------------------------------------
    def classify(self) -> None:
        for role in ("label", "input"):
            self.guess(role, by_contents=True)
        self._need("input", "label")
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
        pair = [self._named(role) for role in ("chosen", "rejected")]
        if all(pair):
            self._take(*pair)
        elif "chosen" in self.roles or "rejected" in self.roles:
            return True  # one of the two by hand and no match for the other: told by _check_pairs
        elif not self._numbered_pair():
            return False
        if not self._whole_conversations():
            self.guess("input", by_contents=True)
            self._need("input")
        return True

    def _whole_conversations(self) -> bool:
        """Chosen and rejected hold the prompt themselves, and no column is called one."""
        holds = [self.columns[self.roles[role].column].kind == "messages" for role in ("chosen", "rejected")]
        return all(holds) and self._named("input", least=0.0) is None

    def _numbered_pair(self) -> bool:
        """output_1 and output_2 (answer_a and answer_b) beside a column with 1 or 2 (a or b)."""
        for first in list(self.columns):
            for mark, other in (("1", "2"), ("a", "b"), ("A", "B")):
                second = first[:-1] + other
                winner = self._named("winner", ("label", "number"))
                if first.endswith(mark) and len(first) > 1 and second in self.columns and winner:
                    why = f"'{first}' and '{second}' are two answers, and '{winner.column}' says which is better"
                    self._take(
                        Role("chosen", first, why, 0.8), Role("rejected", second, why, 0.8),
                        Role("winner", winner.column, why, 0.8),
                    )  # fmt: skip
                    return True
        return False

    def _conversation(self) -> bool:
        given = self.roles.get("input")
        if given and self.columns[given.column].kind == "messages" and not self._named("output"):
            self.roles["conversation"] = Role("conversation", given.column, given.reason, given.confidence)
            del self.roles["input"]
        if "conversation" in self.roles:
            return True
        if "input" in self.roles or "output" in self.roles or self._off("conversation"):
            return False
        free = [c for c in self._free(("messages",)) if name_score(c.name, NAMES["history"]) < _SURE_NAME]
        prompt, answer = self._named("input", ("messages",)), self._named("output")
        if not free or (prompt and answer and prompt.column != answer.column):
            return False
        best = self._named("conversation") or Role(
            "conversation",
            free[0].name,
            "it is the only column with conversations",
            0.8 if len(free) == 1 else 0.5,
        )
        self._take(best)
        return True

    def _turns(self) -> bool:
        """One turn a row: a thread, a speaker and a text."""
        if "speaker" not in self.roles and (
            "input" in self.roles or "output" in self.roles or self._off("speaker")
        ):
            return False
        speaker = self.roles.get("speaker") or self._named("speaker")
        if speaker is None or self.columns[speaker.column].filled < 0.9:
            return False
        taken = {**self.roles, "speaker": speaker}
        thread = self.roles.get("thread") or self._named("thread", taken=taken)
        if thread is None or (self._named("output", taken=taken) and "speaker" not in self.roles):
            return False
        self._take(speaker, thread)
        self.guess("input", by_contents=True)
        self._need("input")
        self.guess("turn")
        return True

    def _input_and_output(self) -> None:
        self._instruction()
        # what a name tells goes first: the other one is guessed from the columns that are left
        named = self._named("output", least=0.0)
        for role in ("output", "input") if named else ("input", "output"):
            self.guess(role, by_contents=True)
        self._need("input", "output")
        self.guess("context")

    def _instruction(self) -> None:
        """Alpaca: what to do stands in `instruction`, what to do it on in `input`."""
        names = {name.lower(): name for name in self.columns}
        if "input" in self.roles or "context" in self.roles or not {"instruction", "input"} <= set(names):
            return
        why = "'instruction' says what to do"
        self._take(Role("input", names["instruction"], why, 1.0))
        if self.columns[names["input"]].kind != "empty" and not self._off("context"):
            self._take(
                Role("context", names["input"], "beside 'instruction', 'input' holds what to do it on", 1.0)
            )

    # --- search ----------------------------------------------------------------------------------------------------
    def _off(self, role: str) -> bool:
        return self.chosen.get(role) == "none"

    def _take(self, *roles: Role) -> None:
        for role in roles:
            self.roles.setdefault(role.role, role)

    def _free(self, kinds: tuple[Kind, ...], taken: dict[str, Role] | None = None) -> list[Column]:
        used = {role.column for role in (taken or self.roles).values()}
        return [c for c in self.columns.values() if c.name not in used and c.kind in kinds]

    def _named(
        self,
        role: str,
        kinds: tuple[Kind, ...] = (),
        taken: dict[str, Role] | None = None,
        least: float = _SURE_NAME,
    ) -> Role | None:
        """The free column whose name fits best; the one chosen by hand where there is one."""
        if self._off(role):
            return None
        if role in self.roles:
            return self.roles[role]
        free = self._free(kinds or _KINDS[role], taken)
        best = max(free, key=lambda column: name_score(column.name, NAMES[role]), default=None)
        score = name_score(best.name, NAMES[role]) if best else 0.0
        if score < least or not score:
            return None
        return Role(role, best.name, f"its name says so, and it holds {_HOLDS[best.kind]}", round(score, 2))

    def guess(self, role: str, by_contents: bool = False) -> None:
        """Give a role its column, if there is one: by name, else (input, output, label and time) by contents.

        A role that is merely welcome wants one of its names in full: a column that only has such a word in its name
        ("article_count") is more often something else.
        """
        loose = by_contents or role in TIES
        found = self._named(role, least=0.0 if loose else _SURE_NAME)
        if found is None and not self._off(role) and (by_contents or role == "time"):
            found = self._by_contents(role)
        if found:
            self._take(found)

    def _by_contents(self, role: str) -> Role | None:
        free = self._free(_KINDS[role])
        texts = [c for c in free if c.kind == "text"]
        asking = [c for c in texts if c.questions > 0.5]
        asking = asking if len(asking) == 1 and len(texts) > 1 else []
        if role == "input":
            messages = [c for c in free if c.kind == "messages"]
            free = messages or asking or sorted(texts, key=lambda c: -c.filled)
            why = (
                "most of its texts are questions"
                if free == asking
                else "it is the first column of running text that is left"
            )
        elif role == "output":
            free = [] if self._nested() else [c for c in texts if c not in asking][-1:]
            why = "it is the last column of running text"
        elif role == "label":
            free = sorted(free, key=lambda c: (-c.filled, c.distinct))
            why = "it holds few different short values"
        else:
            why = "it holds dates"
        return Role(role, free[0].name, why, 0.4) if free else None

    def _need(self, *needed: str) -> None:
        for role in needed:
            if role not in self.roles and not (role in BY_HAND and self._off(role)):
                nested = self._nested()
                aside = f"; {', '.join(nested)}: lists or objects, which are never guessed" if nested else ""
                spread = (
                    ", or give each item of a list a row of its own before 02_gather_data" if nested else ""
                )
                raise WorkbenchError(
                    f"no column looks like the {role} (columns: {', '.join(self.columns)}{aside})",
                    f"a column with the {_MEANING[role]}",
                    f"name it in 04_format_data.{role}_column{spread}",
                )

    def _nested(self) -> list[str]:
        return [name for name, column in self.columns.items() if column.kind == "nested"]


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
