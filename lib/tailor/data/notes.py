"""What people note about single answers of a model while they read them: kept beside the project, read by 13_refine.

One JSON line for each row and run. A note is text that a person typed; it is shown and counted, never read as anything
else.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, get_args

from filelock import FileLock

from tailor.files import write_text

FILE = "notes.jsonl"
ASIDE = "notes.unreadable.jsonl"
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
    if not path.exists():
        return [], []
    found, broken = [], []
    for line in path.read_text(encoding="utf-8", errors="replace").split("\n"):
        if not line.strip():
            continue
        try:
            values = json.loads(line)
            note = Note(**values)
            good = note.fault in FAULTS and all(isinstance(value, str) for value in values.values())
        except (ValueError, TypeError, RecursionError):
            good = False
        if good:
            found.append(note)
        else:
            broken.append(line)
    return found, broken


def save_note(path: Path, note: Note) -> None:
    """Put a note in the place of what was said of the same row and run; an empty one deletes it.

    Lines that cannot be read move to a file beside it, so that nothing is lost.

    Raises:
        WorkbenchError: the disk is full, or the folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_name(f".{path.name}.lock")):
        notes, broken = read_notes(path)
        if broken:
            aside = path.with_name(ASIDE)
            before = aside.read_text(encoding="utf-8") if aside.exists() else ""
            write_text(aside, before + "".join(f"{line}\n" for line in broken))
        kept = [each for each in notes if (each.row_id, each.run) != (note.row_id, note.run)]
        write_text(path, _lines([*kept, note] if note.text or note.fault else kept))


def _lines(notes: Iterable[Note]) -> str:
    return "".join(json.dumps(asdict(note), ensure_ascii=False) + "\n" for note in notes)


def count_faults(notes: Iterable[Note]) -> dict[str, list[Note]]:
    """Notes by where the fault lies, the commonest first; those that do not say come last."""
    found = list(notes)
    order = [fault for fault, _ in Counter(note.fault for note in found if note.fault).most_common()]
    groups = {fault: [note for note in found if note.fault == fault] for fault in order}
    unsaid = [note for note in found if not note.fault]
    return groups | ({"": unsaid} if unsaid else {})
