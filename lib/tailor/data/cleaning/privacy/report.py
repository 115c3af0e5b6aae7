"""What personal data was found where, for people: kinds by columns, counts only."""

from collections.abc import Sequence

from tailor.blocks import Block, Callout, Heading, Table
from tailor.data.cleaning.privacy.kinds import TITLES
from tailor.records import Operation as Done


def personal_data_found(entries: Sequence[Done]) -> list[Block]:
    """A table of what the entries of a cleaning history found, or nothing where they found nothing.

    Args:
        entries: what each entry did, from cleaning.json.
    """
    counts: dict[str, dict[str, int]] = {}
    for entry in entries:
        for column, kinds in entry.found.items():
            here = counts.setdefault(column, {})
            for kind, count in kinds.items():
                here[kind] = here.get(kind, 0) + count
    counts = {column: kinds for column, kinds in counts.items() if kinds}
    if not counts:
        return []
    kinds = [kind for kind in TITLES if any(kind in found for found in counts.values())]
    kinds += sorted({kind for found in counts.values() for kind in found} - set(kinds))
    rows = [(column, *(found.get(kind, 0) for kind in kinds)) for column, found in counts.items()]
    total = ("all", *(sum(found.get(kind, 0) for found in counts.values()) for kind in kinds))
    shown: list[Block] = [
        Heading("Personal data"),
        Table(
            ("column", *(TITLES.get(kind, kind) for kind in kinds)),
            [*rows, total] if len(rows) > 1 else rows,
            "How often each kind was found and taken out",
        ),
    ]
    if {"name", "address"} & set(kinds):
        shown.append(
            Callout(
                "Names and addresses are found by rules. What stands in running prose without a greeting, a closing or "
                "a cue word is missed: read a sample before you share the data."
            )
        )
    return shown
