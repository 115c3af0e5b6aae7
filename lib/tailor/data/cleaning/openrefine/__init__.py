"""OpenRefine's operation history, as its Undo / Redo > Extract gives it, turned into entries of Tailor's.

Every operation becomes an entry that gives the table OpenRefine gives, or is listed with the reason why not. Cells here
hold text, where OpenRefine knows numbers too: the importer follows which columns "To number" was run on, so that later
facets and sums treat their cells as numbers.

Sources: OpenRefine's documentation and, where that is silent, its source (BSD-3-Clause), from which no code was taken.
"""

from tailor.data.cleaning.openrefine.history import import_history, is_openrefine
from tailor.data.cleaning.openrefine.operations import Imported, Unsupported

__all__ = ["Imported", "Unsupported", "import_history", "is_openrefine"]
