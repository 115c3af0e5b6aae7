"""What people note about single answers of a model while they read them: kept beside the project, read by 13_refine.

One JSON line for each row and run. A note is text that a person typed; it is shown and counted, never read as anything
else.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from tailor.data.entries import change_entries, read_entries

FILE = "notes.jsonl"
Fault = Literal[
    "", "the reference is wrong", "the model is wrong", "the question is unclear", "both are right"
]
FAULTS: tuple[Fault, ...] = get_args(Fault)
LONGEST = 5_000


@dataclass(frozen=True)
class Note:
    """What somebody said of one answer.

    Attributes:
        row_id: the test row.
        run: the run whose answer was read.
        fault: where it lies; "" where nobody said.
    """

    row_id: str
    run: str
    fault: Fault = ""
    text: str = ""


def read_notes(path: Path) -> tuple[list[Note], list[str]]:
    """The notes of a file in their order, and the lines that cannot be read (cut short by a crash)."""
    return read_entries(path, Note, lambda note: note.fault in FAULTS)


def save_note(path: Path, note: Note) -> None:
    """Put a note in the place of what was said of the same row and run; an empty one deletes it.

    Raises:
        WorkbenchError: the disk is full, or the folder cannot be written.
    """

    def change(found: list[Note]) -> list[Note]:
        kept = [each for each in found if (each.row_id, each.run) != (note.row_id, note.run)]
        return [*kept, note] if note.text or note.fault else kept

    change_entries(path, read_notes, change)


def count_faults(notes: Iterable[Note]) -> dict[str, list[Note]]:
    """Notes by where the fault lies, the commonest first; those that do not say come last."""
    found = list(notes)
    order = [fault for fault, _ in Counter(note.fault for note in found if note.fault).most_common()]
    groups = {fault: [note for note in found if note.fault == fault] for fault in order}
    unsaid = [note for note in found if not note.fault]
    return groups | ({"": unsaid} if unsaid else {})
