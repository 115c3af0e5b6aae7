"""What a person does with a table by hand, as operations of the history: edits of cells, of columns and of rows."""

from tailor.data.cleaning.wrangling.cells import (
    BlankDown,
    CellEdit,
    Edit,
    EditCells,
    FillDown,
    MassEdit,
    TransformText,
)
from tailor.data.cleaning.wrangling.columns import (
    AddColumn,
    MoveColumns,
    RemoveColumns,
    RenameColumns,
    ReorderColumns,
    SplitColumn,
)
from tailor.data.cleaning.wrangling.facets import OWN_COLUMNS, Facet, choose_rows
from tailor.data.cleaning.wrangling.rows import DropRows, JoinRows, RemoveRows, SplitIntoRows

WRANGLING = (
    MassEdit,
    TransformText,
    EditCells,
    FillDown,
    BlankDown,
    RemoveRows,
    DropRows,
    SplitIntoRows,
    JoinRows,
    RenameColumns,
    SplitColumn,
    AddColumn,
    MoveColumns,
    ReorderColumns,
    RemoveColumns,
)
"""All of them, as `plan.OPERATIONS` lists them."""

__all__ = [
    "OWN_COLUMNS",
    "WRANGLING",
    "AddColumn",
    "BlankDown",
    "CellEdit",
    "DropRows",
    "Edit",
    "EditCells",
    "Facet",
    "FillDown",
    "JoinRows",
    "MassEdit",
    "MoveColumns",
    "RemoveColumns",
    "RemoveRows",
    "RenameColumns",
    "ReorderColumns",
    "SplitColumn",
    "SplitIntoRows",
    "TransformText",
    "choose_rows",
]
