"""The search for a column that suits a role: by its name, by its contents, or as a person says."""

from dataclasses import dataclass

from tailor.data.columns import NAMES, Column, Kind, name_score
from tailor.errors import WorkbenchError, did_you_mean

TIES = ("group", "thread", "time")
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
SURE_NAME = 0.7  # one of the wanted names itself, not merely a word of it


@dataclass(frozen=True)
class Role:
    """A column for a role, why, and how sure (0 to 1; 1 when a person said so)."""

    role: str
    column: str
    reason: str
    confidence: float


class RoleSearch:
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

    def is_off(self, role: str) -> bool:
        return self.chosen.get(role) == "none"

    def take(self, *roles: Role) -> None:
        for role in roles:
            self.roles.setdefault(role.role, role)

    def free(self, kinds: tuple[Kind, ...], taken: dict[str, Role] | None = None) -> list[Column]:
        used = {role.column for role in (taken or self.roles).values()}
        return [c for c in self.columns.values() if c.name not in used and c.kind in kinds]

    def named(
        self,
        role: str,
        kinds: tuple[Kind, ...] = (),
        taken: dict[str, Role] | None = None,
        least: float = SURE_NAME,
    ) -> Role | None:
        """The free column whose name fits best; the one chosen by hand where there is one."""
        if self.is_off(role):
            return None
        if role in self.roles:
            return self.roles[role]
        free = self.free(kinds or _KINDS[role], taken)
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
        found = self.named(role, least=0.0 if loose else SURE_NAME)
        if found is None and not self.is_off(role) and (by_contents or role == "time"):
            found = self._by_contents(role)
        if found:
            self.take(found)

    def _by_contents(self, role: str) -> Role | None:
        free = self.free(_KINDS[role])
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

    def need(self, *needed: str) -> None:
        for role in needed:
            if role not in self.roles and not (role in BY_HAND and self.is_off(role)):
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
