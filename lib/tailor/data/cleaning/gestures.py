"""What a person does in the table, as entries of the history: each gesture is one step that can be undone."""

from collections.abc import Mapping, Sequence

from tailor.data.cleaning.by_hand import KeepRows
from tailor.data.cleaning.history import History
from tailor.data.cleaning.wrangling import CellEdit, DropRows, Edit, EditCells, Facet, MassEdit, RemoveRows


def edit_cell(history: History, row_id: str, column: str, value: str) -> None:
    """Write one cell. Edits one after the other share an entry; an emptied cell holds nothing."""
    edit = CellEdit(row_id=row_id, column=column, value=value or None)
    last = history.operations[-1] if history.operations else None
    if isinstance(last, EditCells) and not last.off:
        others = [cell for cell in last.cells if (cell.row_id, cell.column) != (row_id, column)]
        history.set([*history.operations[:-1], last.model_copy(update={"cells": [*others, edit]})])
    else:
        history.add(EditCells(cells=[edit]))


def drop_rows(history: History, rows: Sequence[str]) -> None:
    """Drop rows by their ids. Gestures one after the other share an entry."""
    last = history.operations[-1] if history.operations else None
    if isinstance(last, DropRows) and not last.off:
        every = list(dict.fromkeys([*last.rows, *rows]))
        history.set([*history.operations[:-1], last.model_copy(update={"rows": every})])
    else:
        history.add(DropRows(rows=list(rows)))


def keep_rows(history: History, rows: Sequence[str]) -> None:
    """Keep rows whatever any entry says: they are named in the first entry, and taken off later lists of rows to drop.

    Rows that facets drop (remove_rows) and all others are protected by standing before every entry.
    """
    wanted = set(rows)
    entries = [
        entry.model_copy(update={"rows": [row for row in entry.rows if row not in wanted]})
        if isinstance(entry, DropRows)
        else entry
        for entry in history.operations
    ]
    entries = [entry for entry in entries if not isinstance(entry, DropRows) or entry.rows]
    if entries and isinstance(entries[0], KeepRows) and not entries[0].off:
        every = list(dict.fromkeys([*entries[0].rows, *rows]))
        entries[0] = entries[0].model_copy(update={"rows": every})
    else:
        entries.insert(0, KeepRows(rows=list(rows)))
    history.set(entries)


def drop_matching(history: History, facets: Sequence[Facet]) -> None:
    """Drop every row that passes the facets, on this data and on new data. Without facets nothing happens."""
    if facets:
        history.add(RemoveRows(where=list(facets)))


def replace_values(
    history: History, column: str, new_values: Mapping[str, str], facets: Sequence[Facet] = ()
) -> None:
    """Write other values in the place of some (None for the empty cell is the key "").

    Args:
        new_values: old value -> new value; values that get the same new one share a line.
        facets: only in rows that pass them.
    """
    lines: dict[str, list[str]] = {}
    for old, new in new_values.items():
        if old != new:
            lines.setdefault(new, []).append(old)
    edits = [Edit(old=[o for o in old if o], blank="" in old, new=new) for new, old in lines.items()]
    if edits:
        history.add(MassEdit(columns=[column], edits=edits, where=list(facets)))
