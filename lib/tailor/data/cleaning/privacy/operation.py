"""The cleaning operation that takes personal data out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import polars as pl
from pydantic import PrivateAttr, field_validator

from tailor.data.cleaning.limited_regex import LimitedPattern
from tailor.data.cleaning.operation import Columns, Outcome, Repair
from tailor.data.cleaning.privacy import names
from tailor.data.cleaning.privacy.kinds import KINDS, Kind
from tailor.data.cleaning.privacy.masking import mask_column
from tailor.data.cleaning.privacy.stand_ins import StandIns, placeholder, same
from tailor.errors import WorkbenchError
from tailor.settings import setting


@dataclass
class Found:
    """What one chunk shows.

    Attributes:
        values: column -> kind -> the values in the order of the rows, where they are numbered.
        certain: names that a greeting, a closing or a cue word gives away, in order.
        possible: runs of capitals that are names if their first word is a first name; for stand-ins.
        name_cells: column -> (filled cells, those that read as a name), for columns named like people.
    """

    values: dict[str, dict[str, dict[str, None]]] = field(default_factory=dict)
    certain: dict[str, None] = field(default_factory=dict)
    possible: dict[str, None] = field(default_factory=dict)
    name_cells: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Decision:
    """What is written for what, over all chunks.

    Attributes:
        given: first names.
        name_columns: columns whose every cell is a name.
        numbers: column -> kind -> value -> its number, in columns that are not running text.
        stand_ins: where invented values are written.
    """

    given: frozenset[str] = frozenset()
    name_columns: frozenset[str] = frozenset()
    numbers: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    stand_ins: StandIns | None = None


class MaskPersonalData(Repair):
    """Take personal data out of every column, by placeholders or by invented values of the same form.

    In running text the placeholder is plain ([EMAIL]). In other columns it is numbered ([EMAIL 3]), so that rows of
    one customer can still be told from another's.
    """

    name = "mask_personal_data"
    title = "Mask personal data"
    warning = (
        "Names and addresses are found by rules: what stands in running prose without a greeting, closing or cue word "
        "is missed. Read a sample before you share the data."
    )
    scope = "table"
    acts_on = "names"

    kinds: list[Kind] = setting(list(KINDS), "The kinds of personal data to take out.")
    write: Literal["placeholders", "stand-ins"] = setting(
        "placeholders",
        "placeholders: [EMAIL]. stand-ins: invented values of the same form, one for each value throughout; which one "
        "stands for which is kept in the vault, outside the project.",
    )
    patterns: dict[str, str] = setting(
        {},
        "Your own kinds: a name, and a regular expression for what to take out, such as contract: K-\\d{6}.",
    )
    keep: list[str] = setting([], "Values that are nobody's, such as the help desk's own address; they stay.")
    name_columns: list[str] = setting(
        [], "Columns that hold nothing but names of people. Empty: found out from their names and contents."
    )
    seed: int = setting(0, "Another seed gives other stand-ins.", advanced=True)

    _earlier: Mapping[str, Mapping[str, str]] = PrivateAttr({})

    def knowing(self, earlier: Mapping[str, Mapping[str, str]]) -> "MaskPersonalData":
        """The same, with values of which stand-in each got in a run before (`StandIns.table`)."""
        copy = self.model_copy()
        copy._earlier = earlier
        return copy

    @field_validator("patterns")
    @classmethod
    def _check_patterns(cls, patterns: dict[str, str]) -> dict[str, str]:
        for name, pattern in patterns.items():
            if not name.isidentifier() or name in KINDS:
                raise ValueError(
                    f"'{name}' must be one word of letters that is not one of {', '.join(KINDS)}"
                )
            try:
                if LimitedPattern(pattern, f"patterns.{name}").search("") is not None:
                    raise ValueError(f"the pattern of '{name}' matches the empty text")
            except WorkbenchError as error:
                raise ValueError(error.found) from None
        return patterns

    def _kinds_in(self, column: str, columns: Columns) -> list[Kind]:
        """What is looked for in a column: in labels nothing that words tell ('Mortgage' is a topic, not a person)."""
        if column in columns.labels and column not in self.columns and not names.named_like_people(column):
            return [kind for kind in self.kinds if kind not in ("name", "address")]
        return list(self.kinds)

    def survey(self, frame: pl.DataFrame, columns: Columns) -> Found:
        found = Found()
        stand_ins = self.write == "stand-ins"
        for column in self._may_be_names(columns):
            cells = frame[column].drop_nulls()
            cells = cells.filter(cells.str.strip_chars() != "")
            right = cells.filter(names.reads_as_name(cells))
            found.name_cells[column] = (cells.len(), right.len())
            found.certain |= dict.fromkeys(right.unique(maintain_order=True))
            everyone = (same("name", name) for name in cells.unique(maintain_order=True))
            found.values.setdefault(column, {})["name"] = dict.fromkeys(everyone)
        for column in self.chosen(columns):
            kinds = self._kinds_in(column, columns)
            if "name" in kinds:
                self._note_names(frame[column], found)
            if stand_ins or column not in columns.texts:
                self._note_values(frame[column], kinds, found)
        return found

    def _may_be_names(self, columns: Columns) -> tuple[str, ...]:
        if "name" not in self.kinds:
            return ()
        if self.name_columns:
            return tuple(self.name_columns)
        return tuple(
            name
            for name in self.chosen(columns)
            if name not in columns.texts and names.named_like_people(name)
        )

    def _note_names(self, cells: pl.Series, found: Found) -> None:
        every = self.write == "stand-ins"
        for piece in names.contexts(cells, sure=not every).explode().drop_nulls().unique(maintain_order=True):
            sure = names.certain(piece)
            found.certain |= {piece[start:end]: None for start, end in sure}
            if every:
                found.possible |= {piece[start:end]: None for start, end in names.runs(piece)}

    def _note_values(self, cells: pl.Series, kinds: list[Kind], found: Found) -> None:
        values = found.values.setdefault(cells.name, {})

        def note(kind: str, value: str) -> str:
            values.setdefault(kind, {})[same(kind, value)] = None
            return placeholder(kind)

        mask_column(
            cells, [kind for kind in kinds if kind != "name"], note, frozenset(), self._own(), self._kept()
        )

    def decide(self, surveys: Sequence[Found]) -> Decision:
        certain = dict.fromkeys(name for found in surveys for name in found.certain)
        given = names.given_names(certain)
        numbers: dict[str, dict[str, dict[str, int]]] = {}
        values: dict[str, dict[str, None]] = {}
        for found in surveys:
            for column, kinds in found.values.items():
                for kind, seen in kinds.items():
                    table = numbers.setdefault(column, {}).setdefault(kind, {})
                    for value in seen:
                        table.setdefault(value, len(table) + 1)
                    if kind != "name":
                        values.setdefault(kind, {}).update(seen)
        stand_ins = None
        if self.write == "stand-ins":
            possible = dict.fromkeys(name for found in surveys for name in found.possible)
            likely = [name for name in possible if names.begins_with_given(name, given)]
            everyone = dict.fromkeys(same("name", name) for name in [*certain, *likely])
            stand_ins = StandIns(
                {**{kind: list(seen) for kind, seen in values.items()}, "name": list(everyone)},
                self.seed,
                self._earlier,
            )
        named = self._name_columns(surveys)
        for column in set(numbers) - named:
            numbers[column].pop("name", None)
        return Decision(given, named, numbers, stand_ins)

    def _name_columns(self, surveys: Sequence[Found]) -> frozenset[str]:
        if self.name_columns:
            return frozenset(self.name_columns)
        cells = {column: [found.name_cells[column] for found in surveys] for column in surveys[0].name_cells}
        return frozenset(
            column
            for column, seen in cells.items()
            if sum(right for _, right in seen) >= 0.8 * sum(filled for filled, _ in seen) > 0
        )

    def aside(self, decision: Decision) -> Decision:
        return decision

    def apply(self, frame: pl.DataFrame, columns: Columns, decision: Decision) -> Outcome:
        """The cells rewritten; `changes` shows placeholders where personal data stood before, in both its columns."""
        outcome = super().apply(frame, columns, decision)
        plain = replace(decision, stand_ins=None, numbers={})
        shown, found = [outcome.changes.clear()], {}
        for (column,), part in outcome.changes.group_by("column", maintain_order=True):
            if decision.stand_ins is None:
                hidden = part["after"].str.replace_all(r"(\[[A-Z_]+) [0-9]+\]", "${1}]")
            else:
                hidden = self.repair(part["before"].alias(str(column)), columns, plain)
            found[str(column)] = self._count(part["before"], hidden)
            shown.append(part.with_columns(before=hidden))
        return replace(outcome, changes=pl.concat(shown), found=found)

    def _count(self, before: pl.Series, hidden: pl.Series) -> dict[str, int]:
        """How often each kind stood in cells, told by the placeholders that are new in them."""
        counts = {}
        for kind in (*self.kinds, *self.patterns):
            marks = [
                cells.str.count_matches(placeholder(kind), literal=True).sum() for cells in (hidden, before)
            ]
            if marks[0] > marks[1]:
                counts[kind] = int(marks[0] - marks[1])
        return counts

    def repair(self, cells: pl.Series, columns: Columns, decision: Decision) -> pl.Series:
        table = decision.numbers.get(cells.name, {})
        keep = self._kept()

        def write(kind: str, value: str) -> str:
            if decision.stand_ins is not None:
                return decision.stand_ins.of(kind, value)
            return placeholder(kind, table.get(kind, {}).get(same(kind, value)))

        if cells.name in decision.name_columns:
            named = cells.drop_nulls().unique(maintain_order=True)
            people = [name for name in named if name.strip() and name.lower() not in keep]
            return cells.replace({name: write("name", name) for name in people})
        kinds = self._kinds_in(cells.name, columns)
        return mask_column(cells, kinds, write, decision.given, self._own(), keep)

    def _own(self) -> dict[str, LimitedPattern]:
        return {name: LimitedPattern(text, f"patterns.{name}") for name, text in self.patterns.items()}

    def _kept(self) -> frozenset[str]:
        return frozenset(value.lower() for value in self.keep)
