"""What a person does in the table, as entries of the history: each gesture is one step that can be undone.

`number` says which entry a new one becomes: it belongs where the rows that the person saw stand in the history.
"""

from collections.abc import Mapping, Sequence

from tailor.data.cleaning.by_hand import KeepRows
from tailor.data.cleaning.history import History
from tailor.data.cleaning.operation import Operation
from tailor.data.cleaning.wrangling import CellEdit, DropRows, Edit, EditCells, Facet, MassEdit, RemoveRows


def edit_cell(history: History, number: int, row_id: str, column: str, value: str) -> None:
    """Write one cell. Edits one after the other share an entry; an emptied cell holds nothing."""
    edit = CellEdit(row_id=row_id, column=column, value=value or None)
    before = _before(history, number)
    if isinstance(before, EditCells):
        others = [cell for cell in before.cells if (cell.row_id, cell.column) != (row_id, column)]
        history.change(number - 1, cells=[*others, edit])
    else:
        history.add(EditCells(cells=[edit]), number)


def _before(history: History, number: int) -> Operation | None:
    """The entry that a new one would follow, if it runs."""
    entry = history.operations[number - 2] if number > 1 else None
    return None if entry is None or entry.off else entry


def drop_rows(history: History, number: int, rows: Sequence[str]) -> None:
    """Drop rows by their ids. Gestures one after the other share an entry."""
    before = _before(history, number)
    if isinstance(before, DropRows):
        history.change(number - 1, rows=list(dict.fromkeys([*before.rows, *rows])))
    else:
        history.add(DropRows(rows=list(rows)), number)


def keep_rows(history: History, rows: Sequence[str]) -> None:
    """Keep rows whatever any entry says: the first entry names them, and later lists of rows to drop do no more."""
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


def drop_matching(history: History, number: int, facets: Sequence[Facet]) -> None:
    """Drop every row that passes the facets, on this data and on new data. Without facets nothing happens."""
    if facets:
        history.add(RemoveRows(where=list(facets)), number)


def replace_values(
    history: History, number: int, column: str, new_values: Mapping[str, str], facets: Sequence[Facet] = ()
) -> None:
    """Write other values in the place of some; the key "" stands for empty cells.

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
        history.add(MassEdit(columns=[column], edits=edits, where=list(facets)), number)
