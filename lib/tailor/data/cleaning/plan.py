"""Which operations run, in which order: from a step's settings and what the columns seem to hold."""

from collections.abc import Sequence
from dataclasses import dataclass

from tailor.data.cleaning.labels import MergeLabels
from tailor.data.cleaning.language import DropOtherLanguages
from tailor.data.cleaning.operation import Operation
from tailor.data.cleaning.privacy import MaskPersonalData
from tailor.data.cleaning.sieves import DropEmpty, DropExactDuplicates, DropLong, DropNearDuplicates
from tailor.data.cleaning.text_repairs import NormalizeText, RemoveHtml, RemoveMailFurniture, RepairEncoding
from tailor.data.roles import Column, label_columns, required_columns, text_columns
from tailor.errors import WorkbenchError, did_you_mean

OPERATIONS: tuple[type[Operation], ...] = (
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
)
"""All of them, in the order in which they run: repairs first, so that copies are told by what they say."""


@dataclass(frozen=True)
class Columns:
    """Which columns the operations work on."""

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    required: tuple[str, ...]
    coded: tuple[str, ...]


def choose_columns(
    columns: Sequence[Column], texts: Sequence[str], labels: Sequence[str], required: Sequence[str]
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
        texts=tuple(texts or text_columns(list(columns))),
        labels=tuple(labels or label_columns(list(columns))),
        required=tuple(required or required_columns(list(columns))),
        coded=tuple(name for name in names if kinds[name] not in ("time", "number", "empty")),
    )


def plan_operations(settings, columns: Columns, frozen: tuple[str, ...] = ()) -> list[Operation]:
    """The operations that the settings ask for.

    Args:
        settings: 03_clean_data's.
        frozen: sources whose rows are a given test set: of two copies theirs stays.
    """
    wanted: list[Operation | None] = [
        RepairEncoding(columns.coded) if settings.repair_encoding else None,
        RemoveHtml(columns.texts) if settings.remove_html else None,
        NormalizeText(columns.coded) if settings.normalize_text else None,
        RemoveMailFurniture(columns.texts) if settings.remove_mail_furniture else None,
        DropEmpty(columns.required) if settings.drop_empty else None,
        DropLong(columns.texts, settings.max_characters),
        DropOtherLanguages(columns.texts, settings.language) if settings.language != "any" else None,
        MaskPersonalData(columns.coded, tuple(settings.personal_data), columns.texts)
        if settings.mask_personal_data
        else None,
        MergeLabels(columns.labels) if settings.merge_labels else None,
        DropExactDuplicates(columns.texts + columns.labels, frozen) if settings.exact_duplicates else None,
        DropNearDuplicates(columns.texts, columns.labels, settings.near_duplicates, frozen)
        if settings.near_duplicates > 0 and columns.texts
        else None,
    ]
    return [operation for operation in wanted if operation is not None]
