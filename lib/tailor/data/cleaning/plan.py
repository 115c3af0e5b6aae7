"""Which operations there are, the standard history, and how a history is read and one setting of it changed."""

from collections.abc import Sequence
from typing import Any

import yaml

from tailor.data.cleaning.bad_dates import BadDates
from tailor.data.cleaning.by_hand import KeepRows
from tailor.data.cleaning.corrupt import DropCorrupt, DropCutOff, DropShifted
from tailor.data.cleaning.incomplete import CompleteByRule, FillEmpty, FillFromSiblings
from tailor.data.cleaning.label_errors import SuspectLabels
from tailor.data.cleaning.labels import MergeLabels
from tailor.data.cleaning.language import DropOtherLanguages
from tailor.data.cleaning.lengths import DropByLength, DropRepetitive
from tailor.data.cleaning.mail_furniture import RemoveMailFurniture
from tailor.data.cleaning.meaning import DropSameMeaning
from tailor.data.cleaning.operation import Columns, Operation
from tailor.data.cleaning.outliers import Outliers
from tailor.data.cleaning.own_function import OwnFunction
from tailor.data.cleaning.privacy import MaskPersonalData
from tailor.data.cleaning.replies import AutomaticReplies, MismatchedReplies
from tailor.data.cleaning.sieves import DropEmpty, DropExactDuplicates, DropLong, DropNearDuplicates
from tailor.data.cleaning.text_repairs import NormalizeText, RemoveHtml, RepairEncoding
from tailor.data.cleaning.words import RemoveStopWords, StemWords, UnifyTerms
from tailor.data.cleaning.wrangling import WRANGLING
from tailor.data.columns import Column, label_columns, required_columns, text_columns, whole_columns
from tailor.errors import WorkbenchError, did_you_mean
from tailor.settings import make_settings

WHERE = "03_clean_data.operations"

OPERATIONS: dict[str, type[Operation]] = {
    operation.name: operation
    for operation in (
        KeepRows,
        RepairEncoding,
        RemoveHtml,
        NormalizeText,
        RemoveMailFurniture,
        DropEmpty,
        DropLong,
        DropOtherLanguages,
        MaskPersonalData,
        MergeLabels,
        DropExactDuplicates,
        DropNearDuplicates,
        DropCorrupt,
        DropShifted,
        DropCutOff,
        BadDates,
        FillEmpty,
        FillFromSiblings,
        CompleteByRule,
        DropByLength,
        DropRepetitive,
        AutomaticReplies,
        MismatchedReplies,
        SuspectLabels,
        Outliers,
        DropSameMeaning,
        UnifyTerms,
        StemWords,
        RemoveStopWords,
        OwnFunction,
        *WRANGLING,
    )
}
"""Every operation there is. A new one is a class and a line here."""

STANDARD: tuple[Operation, ...] = (
    KeepRows(),
    RepairEncoding(),
    RemoveHtml(),
    NormalizeText(),
    RemoveMailFurniture(),
    DropEmpty(),
    DropLong(),
    DropOtherLanguages(),
    MaskPersonalData(),
    MergeLabels(),
    DropExactDuplicates(),
    DropNearDuplicates(),
)
"""The history a project starts with: repairs first, so that copies are told by what they say."""


def read_operations(entries: Any, where: str = WHERE) -> list[Operation]:
    """A history from what YAML or JSON holds: a list of `{operation: name, off: false, <its settings>}`.

    Raises:
        WorkbenchError: not such a list, an unknown operation or setting, or a value out of its bounds; names the
            entry's number, from 1.
    """
    if not isinstance(entries, (list, tuple)):
        raise WorkbenchError(
            f"{where} is {entries!r}", "a list of operations", "write one '- operation: NAME' a line"
        )
    return [_read_entry(entry, f"{where} entry {number}") for number, entry in enumerate(entries, 1)]


def _read_entry(entry: Any, where: str) -> Operation:
    if isinstance(entry, Operation):
        return entry
    if isinstance(entry, str):  # "- drop_empty" says all that is needed
        entry = {"operation": entry}
    if not isinstance(entry, dict) or "operation" not in entry:
        raise WorkbenchError(
            f"{where} is {entry!r}", "'operation: NAME' and its settings", "name the operation in that entry"
        )
    name, values = entry["operation"], {str(key): entry[key] for key in entry if key != "operation"}
    if name not in OPERATIONS:
        raise WorkbenchError(
            f"{where} is the unknown operation '{name}'",
            f"one of: {', '.join(OPERATIONS)}",
            f"correct the name.{did_you_mean(name, OPERATIONS)}",
        )
    return make_settings(OPERATIONS[name], values, f"{where} ({name})")


def change_setting(
    operations: Sequence[Operation], path: str, value: Any, where: str = WHERE
) -> list[Operation]:
    """The history with one setting of one entry changed.

    Args:
        path: "drop_near_duplicates.threshold"; or the entry's number in the place of its name: "12.threshold".

    Raises:
        WorkbenchError: no such entry, two of that name, no such setting, or a value out of its bounds.
    """
    head, _, name = path.partition(".")
    place = _find_entry(operations, head, where)
    operation = operations[place]
    values = {key: item for key, item in operation.model_dump(mode="json").items() if key != "operation"}
    changed = make_settings(type(operation), {**values, name: value}, f"{where}.{head}")
    return [*operations[:place], changed, *operations[place + 1 :]]


def _find_entry(operations: Sequence[Operation], head: str, where: str) -> int:
    if head.isdecimal() and 0 < int(head) <= len(operations):
        return int(head) - 1
    names = [operation.name for operation in operations]
    if names.count(head) == 1:
        return names.index(head)
    numbers = [str(number) for number, name in enumerate(names, 1) if name == head]
    if numbers:
        raise WorkbenchError(
            f"{where} holds {head} {len(numbers)} times, as entries {' and '.join(numbers)}",
            "one of them",
            f"write {where}.{numbers[0]} instead of {where}.{head}",
        )
    known = "the history has no such entry" if head in OPERATIONS else "there is no such operation"
    raise WorkbenchError(
        f"{where}.{head}: {known}",
        f"one of: {', '.join(dict.fromkeys(names))}",
        f"correct the name, or add the operation to {where}.{did_you_mean(head, names)}",
    )


def write_operations(operations: Sequence[Operation]) -> str:
    """A history as YAML for people: one entry an operation, with the settings that differ from the defaults."""
    entries = [operation.model_dump(mode="json", exclude_defaults=True) for operation in operations]
    return yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=110)


def choose_columns(
    columns: Sequence[Column],
    texts: Sequence[str] = (),
    labels: Sequence[str] = (),
    required: Sequence[str] = (),
    frozen_sources: Sequence[str] = (),
) -> Columns:
    """The columns a person named, or else what the contents suggest.

    Raises:
        WorkbenchError: a named column is not there.
    """
    names = [column.name for column in columns]
    for setting, given in (("text", texts), ("label", labels), ("required", required)):
        for name in given:
            if name not in names:
                raise WorkbenchError(
                    f"03_clean_data.{setting}_columns names '{name}', and the data has no such column",
                    f"one of: {', '.join(names)}",
                    f"correct the column's name.{did_you_mean(name, names)}",
                )
    kinds = {column.name: column.kind for column in columns}
    return Columns(
        names=tuple(names),
        texts=tuple(texts or text_columns(list(columns))),
        labels=tuple(labels or label_columns(list(columns))),
        whole=tuple(whole_columns(list(columns))),
        required=tuple(required or required_columns(list(columns))),
        coded=tuple(name for name in names if kinds[name] not in ("time", "number", "empty")),
        frozen_sources=tuple(frozen_sources),
    )
