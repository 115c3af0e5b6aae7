"""How fast and how well rows are cleaned: python benchmarks/cleaning.py [--json FILE] [--peers VENV] [--million].

Support tickets with planted defects come from two generators that know nothing of the detectors (folder planted/).
Speed is measured in a process of its own that reads a Parquet file, cleans it and writes the result; the best of
several runs counts. Quality is told operation by operation, against what was planted. `--peers` names a virtual
environment with other tools of this kind (datasketch, rensa, ...); they run on the same rows.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import polars as pl
import psutil
from planted import GENERATORS
from planted.peers import run_peers

from tailor.data.cleaning.language import DropOtherLanguages
from tailor.data.cleaning.operation import Columns, Operation
from tailor.data.cleaning.pipeline import clean_file
from tailor.data.cleaning.plan import STANDARD
from tailor.data.cleaning.privacy import MaskPersonalData
from tailor.data.cleaning.sieves import DropExactDuplicates, DropNearDuplicates
from tailor.data.cleaning.text_repairs import NormalizeText, RemoveHtml, RepairEncoding
from tailor.data.tables import write_pieces
from tailor.progress import Log

COLUMNS = Columns(names=("message",), texts=("message",), required=("message",), coded=("message",))
COMPOSITION: tuple[Operation, ...] = (
    RepairEncoding(),
    RemoveHtml(),
    NormalizeText(),
    DropOtherLanguages(),
    MaskPersonalData(),
    DropExactDuplicates(),
    DropNearDuplicates(),
)
"""What the composition is: a history that keeps all of a standard one but furniture, lengths and labels."""
HISTORIES = {"composition": COMPOSITION, "standard_history": STANDARD}
PLACEHOLDER = r"\[[A-Z][A-Z_ ]+(?: \d+)?\]"


def compose(file: Path, history: str) -> dict[str, float]:
    """Read, clean, write; in this process, whose peak memory is told."""
    start = time.perf_counter()
    peak = _Peak()
    with peak:
        done = clean_file(
            file,
            HISTORIES[history],
            COLUMNS,
            Log(),
            kept=file.with_name("kept.parquet"),
            dropped=file.with_name("dropped.parquet"),
        )
    seconds = time.perf_counter() - start
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return {
        "seconds": seconds,
        "cpu_seconds": sum(usage.ru_utime + usage.ru_stime for usage in used),
        "rows_per_second": done.rows_in / seconds,
        "peak_gib": peak.bytes / 2**30,
    }


class _Peak:
    """The most memory that this process and its children had together, looked at twice a second.

    Pages of files that are mapped count once for all (proportional set size).
    """

    def __init__(self) -> None:
        self.bytes = 0
        self._over = Event()

    def __enter__(self) -> None:
        self._thread = Thread(target=self._watch)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        this = psutil.Process()
        while not self._over.wait(0.5):
            total = 0
            for process in [this, *this.children(recursive=True)]:
                with suppress(psutil.Error):
                    total += process.memory_full_info().pss
            self.bytes = max(self.bytes, total)


def measure_speed(rows: pl.DataFrame, history: str, folder: Path, repeats: int) -> dict[str, float]:
    """The quickest of several runs, each in a fresh process."""
    file = folder / "rows.parquet"
    write_pieces([rows.select("row_id", "source", "message")], file)
    command = [sys.executable, __file__, "--compose", str(file), "--history", history]
    found = []
    for _ in range(repeats):
        out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        found.append(json.loads(out))
    return min(found, key=lambda figures: figures["seconds"])


def measure_quality(rows: pl.DataFrame) -> dict[str, float]:
    """What each operation of the composition found, missed and harmed."""
    figures: dict[str, float] = {}
    frame = rows.select("row_id", "source", "message")
    truth = rows.select("row_id", *[name for name in rows.columns if name.startswith("_")])
    for operation in COMPOSITION:
        start = time.perf_counter()
        outcome = operation.run_alone(frame, COLUMNS)
        seconds = time.perf_counter() - start
        figures[f"{operation.name}.rows_per_second"] = frame.height / seconds
        if operation.name in QUALITIES:
            after = outcome.frame.join(truth, on="row_id", maintain_order="left")
            gone = outcome.dropped.join(truth, on="row_id", maintain_order="left")
            figures |= QUALITIES[operation.name](
                frame.join(truth, on="row_id", maintain_order="left"), after, gone
            )
        frame = outcome.frame
    figures["near_duplicates.rows_per_second"] = figures["drop_near_duplicates.rows_per_second"]
    return figures


def _encoding(before: pl.DataFrame, after: pl.DataFrame, gone: pl.DataFrame) -> dict[str, float]:
    damaged = after.filter(pl.col("_kind") == "damaged")
    sound = after.filter(pl.col("_kind") != "damaged")
    return {
        "encoding.repaired": (damaged["message"] == damaged["_sound"]).mean(),
        "encoding.sound_text_changed": int(
            (sound["message"] != before.filter(pl.col("_kind") != "damaged")["message"]).sum()
        ),
    }


def _markup(before: pl.DataFrame, after: pl.DataFrame, gone: pl.DataFrame) -> dict[str, float]:
    cleaned = after.filter(pl.col("_kind") == "markup")
    plain = after.filter(pl.col("_kind") != "markup")
    words = [cleaned[name].str.replace_all(r"\s+", " ").str.strip_chars() for name in ("message", "_sound")]
    return {
        "html.removed": (words[0] == words[1]).mean(),
        "html.plain_rows_changed": int(
            (plain["message"] != before.filter(pl.col("_kind") != "markup")["message"]).sum()
        ),
    }


def _language(before: pl.DataFrame, after: pl.DataFrame, gone: pl.DataFrame) -> dict[str, float]:
    return {
        "language.foreign_found": (gone["_kind"] == "foreign").sum() / (before["_kind"] == "foreign").sum(),
        "language.others_dropped": int((gone["_kind"] != "foreign").sum()),
    }


def _privacy(before: pl.DataFrame, after: pl.DataFrame, gone: pl.DataFrame) -> dict[str, float]:
    """A value leaks where it is still there; of what was masked beyond the values planted, all counts as wrong."""
    rows = after.with_columns(masked=pl.col("message").str.count_matches(PLACEHOLDER))
    leaked = {"_secrets": 0, "_checked": 0}
    right = 0
    for text, *columns in rows.select("message", *leaked).rows():
        for name, values in zip(leaked, columns, strict=True):
            leaked[name] += sum(value in text for value in values)
        right += sum(value not in text for value in columns[0])
    wrong = (rows["masked"] - rows["_secrets"].list.len()).clip(lower_bound=0).sum()
    return {
        "privacy.leaked_checksummed": leaked["_checked"],
        "privacy.leaked": leaked["_secrets"] / rows["_secrets"].list.len().sum(),
        "privacy.precision": right / (right + wrong),
    }


def _clusters(before: pl.DataFrame, gone: pl.DataFrame, kind: str) -> tuple[int, int]:
    """Rows that should go (all but one of each cluster of this kind), and how many of them went."""
    clusters = before.filter(pl.col("_kind") == kind)["_cluster"].unique()
    sizes = before.filter(pl.col("_cluster").is_in(clusters.implode())).group_by("_cluster").len("size")
    found = sizes.join(gone.group_by("_cluster").len("gone"), on="_cluster", how="left").fill_null(0)
    wanted = found["size"] - 1
    return int(wanted.sum()), sum(map(min, found["gone"], wanted))


def _exact(before: pl.DataFrame, after: pl.DataFrame, gone: pl.DataFrame) -> dict[str, float]:
    wanted, found = _clusters(before, gone, "exact")
    # near twins that differ in nothing but case and punctuation go here and are right to go
    others = gone.height - found - _clusters(before, gone, "near")[1]
    return {"exact_duplicates.recall": found / wanted, "exact_duplicates.wrongly_removed": others}


def _near(before: pl.DataFrame, after: pl.DataFrame, gone: pl.DataFrame) -> dict[str, float]:
    wanted, found = _clusters(before, gone, "near")
    return {
        "near_duplicates.recall": found / wanted,
        "near_duplicates.precision": found / max(1, gone.height),
        "near_duplicates.wrongly_removed_share": (gone.height - found) / before.height,
    }


QUALITIES = {
    "repair_encoding": _encoding,
    "remove_html": _markup,
    "drop_other_languages": _language,
    "mask_personal_data": _privacy,
    "drop_exact_duplicates": _exact,
    "drop_near_duplicates": _near,
}


def run(rows: int, repeats: int, million: bool, peers: Path | None) -> dict[str, float]:
    figures: dict[str, float] = {}
    tables = {name: make(rows) for name, make in GENERATORS.items()}
    first = next(iter(tables))
    with tempfile.TemporaryDirectory() as folder:
        for history in HISTORIES:
            speed = measure_speed(tables[first], history, Path(folder), repeats)
            figures |= {f"{history}.{key}": value for key, value in speed.items()}
        if million:
            speed = measure_speed(GENERATORS[first](1_000_000), "composition", Path(folder), 1)
            figures |= {f"million.{key}": value for key, value in speed.items()}
        for name, table in tables.items():
            prefix = "" if name == first else f"{name}."
            figures |= {f"{prefix}{key}": value for key, value in measure_quality(table).items()}
        if peers:
            figures |= run_peers(peers, tables[first], Path(folder))
            ours = figures["near_duplicates.rows_per_second"]
            for key in [key for key in figures if key.startswith("peers.") and key.endswith("per_second")]:
                figures[key.replace("rows_per_second", "ours_to_theirs")] = ours / figures[key]
    return {key: round(float(value), 5) for key, value in figures.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--repeats", type=int, default=3, help="runs of which the quickest counts")
    parser.add_argument("--million", action="store_true", help="also a million rows")
    parser.add_argument("--peers", type=Path, help="a virtual environment with other tools")
    parser.add_argument("--json", type=Path, help="write the figures here, as one flat object")
    parser.add_argument("--compose", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--history", default="composition", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.compose:
        print(json.dumps(compose(arguments.compose, arguments.history)))
        return
    figures = run(arguments.rows, arguments.repeats, arguments.million, arguments.peers)
    for key, value in figures.items():
        print(f"{key:<48} {value:>14,.4f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
