"""What cleaning finds and misses in real data whose truth is known: python benchmarks/real_data.py [--json FILE].

The sets lie in ../shared/data beside the checkout; those that are not there are left out. Truth is the sets' own where
they have one (hospital, febrl, ftfy, udhr). For near duplicates of texts it is counted here by another algorithm: every
pair is compared that shares one of its rarest words, which misses none (Bayardo et al. 2007, All-Pairs).
"""

import argparse
import csv
import gzip
import json
import math
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import polars as pl

from tailor.data.cleaning.incomplete import FillFromSiblings
from tailor.data.cleaning.labels import MergeLabels
from tailor.data.cleaning.language import CODES, detect
from tailor.data.cleaning.operation import REASON, Columns, Operation
from tailor.data.cleaning.pipeline import clean
from tailor.data.cleaning.plan import STANDARD, choose_columns
from tailor.data.cleaning.privacy import CHECKSUMMED, KINDS, MaskPersonalData, mask
from tailor.data.cleaning.sieves import DropExactDuplicates, DropNearDuplicates
from tailor.data.cleaning.text_repairs import RepairEncoding
from tailor.data.columns import describe_columns
from tailor.progress import Log

DATA = Path(__file__).resolve().parents[2] / "shared/data"
Figures = dict[str, float]


def read_rows(name: str) -> list[dict[str, str]]:
    with gzip.open(DATA / name, "rt", encoding="utf-8") as file:
        return list(csv.DictReader(file, skipinitialspace=True))


def table(rows: Sequence[dict[str, str]]) -> pl.DataFrame:
    frame = pl.DataFrame(rows, schema=dict.fromkeys(rows[0], pl.String))
    own = {"row_id": [f"r:{place}" for place in range(len(rows))], "source": ["r"] * len(rows)}
    return pl.DataFrame(own).hstack(frame.get_columns())


def texts(cells: Sequence[str]) -> tuple[pl.DataFrame, Columns]:
    return table([{"text": cell} for cell in cells]), Columns(("text",), ("text",), coded=("text",))


# --- hospital: a table whose wrong cells are known -------------------------------------------------------------------
_PLACE = ["HospitalName", "Address1", "City", "State", "ZipCode", "CountyName", "PhoneNumber"]
_KIND = ["HospitalType", "HospitalOwner", "EmergencyService"]


def hospital() -> Figures:
    rows = read_rows("hospital_dirty_clean/hospital.csv.gz")
    said = read_rows("hospital_dirty_clean/hospital_clean.csv.gz")
    truth = {(int(cell["tid"]), cell["attribute"]): cell["correct_val"] for cell in said}
    frame = table(rows)
    columns = choose_columns(describe_columns(frame))

    def siblings(key: list[str], named: list[str]) -> Operation:
        return FillFromSiblings(key=key, columns=named, correct=True)

    history = [
        MergeLabels(method="edit distance", edits=3, columns=[*_KIND, "Condition"]),
        MergeLabels(method="edit distance", edits=1, columns=["State", "MeasureCode"]),
        siblings(["HospitalName"], ["ProviderNumber"]),
        siblings(["PhoneNumber"], ["ProviderNumber"]),
        siblings(["Address1"], ["ProviderNumber"]),
        siblings(["ProviderNumber"], [*_PLACE, *_KIND]),
        siblings(["MeasureName"], ["MeasureCode"]),
        siblings(["MeasureCode"], ["MeasureName", "Condition"]),
        siblings(["State", "MeasureCode"], ["Stateavg"]),
    ]
    figures = {}
    for name, operations in (("standard", STANDARD), ("history", history)):
        after, gone, _ = clean(frame, operations, columns, Log())
        count: Counter[str] = Counter(dropped=gone.height)
        for row_id, *cells in after.select("row_id", *rows[0]).rows():
            place = int(row_id.removeprefix("r:"))
            for column, cell in zip(rows[0], cells, strict=True):
                before, right = rows[place][column], truth[place, column]
                masked = "[" in (cell or "") and "[" not in before
                count["wrong"] += before != right
                count["repaired"] += before != right and cell == right
                same = (cell or "").split() == right.split()  # blanks that are tidied up do no harm
                count["harmed"] += before == right and not same and not masked
                count["masked"] += masked
        figures |= {
            f"{name}.{key}": count[key] for key in ("dropped", "wrong", "repaired", "harmed", "masked")
        }
    figures["history.recall"] = figures["history.repaired"] / figures["history.wrong"]
    return figures


# --- febrl: records of persons, some of them twice -------------------------------------------------------------------
def febrl() -> Figures:
    figures = {}
    for name in ("dataset1", "dataset2", "dataset3"):
        rows = read_rows(f"febrl/{name}.csv.gz")
        person = [row.pop("rec_id").split("-")[1] for row in rows]
        frame, columns = texts([" ".join(filter(None, row.values())) for row in rows])
        wanted = len(rows) - len(set(person))
        for threshold in (0.8, 0.5, 0.3):
            gone = DropNearDuplicates(threshold=threshold).run_alone(frame, columns).dropped
            ids = [(row_id, why.rpartition(" ")[2]) for row_id, why in gone.select("row_id", REASON).rows()]
            right = sum(person[int(a[2:])] == person[int(b[2:])] for a, b in ids)
            figures[f"{name}.recall_{threshold}"] = right / wanted
            figures[f"{name}.precision_{threshold}"] = right / max(1, len(ids))
    return figures


# --- texts -----------------------------------------------------------------------------------------------------------
def ftfy_mojibake() -> Figures:
    figures = {}
    for file in ("in-the-wild", "synthetic", "language-names", "negative", "known-failures"):
        cases = json.loads(gzip.decompress((DATA / f"ftfy_mojibake/{file}.json.gz").read_bytes()))
        frame, columns = texts([case["original"] for case in cases])
        after = RepairEncoding().run_alone(frame, columns).frame["text"]
        wanted = [case.get("fixed-encoding", case["fixed"]) for case in cases]
        right = sum(new == fixed for new, fixed in zip(after, wanted, strict=True))
        figures |= {f"{file}.texts": len(cases), f"{file}.right": right / len(cases)}
    return figures


_THREE = dict(zip(CODES, ("eng", "deu", "fra", "spa", "ita", "nld", "por", "pol"), strict=True))


def udhr_langid() -> Figures:
    """Of a language that is known: said rightly, or undetermined. Of the others: taken for one that is known."""
    with gzip.open(DATA / "udhr_langid/udhr.jsonl.gz", "rt", encoding="utf-8") as file:
        cases = [json.loads(line) for line in file]
    figures: Figures = {}
    for length in (1_000, 200, 60):
        said = detect(pl.Series([case["text"][:length] for case in cases])).to_list()
        pairs = [(case["iso639_3"], _THREE.get(code, code)) for case, code in zip(cases, said, strict=True)]
        known = [(true, code) for true, code in pairs if true in _THREE.values()]
        others = [code for true, code in pairs if true not in _THREE.values()]
        figures |= {
            f"first_{length}.known": len(known),
            f"first_{length}.right": sum(true == code for true, code in known) / len(known),
            f"first_{length}.undetermined": sum(not code for _, code in known) / len(known),
            f"first_{length}.others": len(others),
            f"first_{length}.others_taken_for_known": sum(c in _THREE.values() for c in others) / len(others),
        }
    return figures


def _shingles(text: str) -> frozenset[str]:
    words = re.findall(r"\w+", text.lower())
    return frozenset(words) | {f"{a} {b}" for a, b in pairwise(words)}


def near_copies(cells: Sequence[str], threshold: float) -> list[int]:
    """For each text the first one it is joined with, by comparing every pair that could reach the threshold."""
    sets = [_shingles(cell) for cell in cells]
    rare = Counter(shingle for found in sets for shingle in found)
    holders: dict[str, list[int]] = defaultdict(list)
    first = list(range(len(cells)))

    def root(place: int) -> int:
        while first[place] != place:
            place = first[place]
        return place

    for place, found in enumerate(sets):
        ordered = sorted(found, key=lambda shingle: (rare[shingle], shingle))
        seen: set[int] = set()
        for shingle in ordered[: len(found) - math.ceil(threshold * len(found)) + 1]:
            seen.update(holders[shingle])
            holders[shingle].append(place)
        for other in sorted(seen):
            shared = len(found & sets[other])
            if shared >= threshold * (len(found) + len(sets[other]) - shared):
                low, high = sorted((root(place), root(other)))
                first[high] = low
    return [root(place) for place in range(len(cells))]


def _copies(cells: Sequence[str]) -> tuple[Figures, pl.DataFrame]:
    """What the two sieves take, against what is there; and what is left."""
    frame, columns = texts(cells)
    plain = ["".join(c for c in cell.lower() if unicodedata.category(c)[0] not in "PZC") for cell in cells]
    exact = DropExactDuplicates().run_alone(frame, columns)
    left = exact.frame["text"].to_list()
    roots = near_copies(left, DropNearDuplicates().threshold)
    wanted = {row_id for place, row_id in enumerate(exact.frame["row_id"]) if roots[place] != place}
    near = DropNearDuplicates().run_alone(exact.frame, columns)
    gone = set(near.dropped["row_id"])
    figures = {
        "rows": len(cells),
        "exact.there": len(plain) - len(set(plain)),
        "exact.found": exact.dropped.height,
        "near.there": len(wanted),
        "near.found": len(wanted & gone),
        "near.wrongly": len(gone - wanted),
    }
    return figures, near.frame


def _personal(frame: pl.DataFrame) -> Figures:
    """How many of each kind are masked, and long numbers and addresses with an @ that are left."""
    outcome = MaskPersonalData().run_alone(frame, Columns(("text",), ("text",), coded=("text",)))
    after = outcome.frame["text"]
    found = outcome.found.get("text", {})
    return {
        **{f"masked.{kind}": found.get(kind, 0) for kind in KINDS},
        "left.at_signs": int(after.str.count_matches(r"\w@\w+\.\w").sum()),
        "left.ten_digits": int(after.str.count_matches(r"\d(?:[ -]?\d){9}").sum()),
        "left.checksummed": sum(mask(text, CHECKSUMMED) != text for text in after),
    }


def sms_spam() -> Figures:
    with gzip.open(DATA / "sms_spam/SMSSpamCollection.gz", "rt", encoding="utf-8") as file:
        cells = [line.rstrip("\n").split("\t")[1] for line in file if "\t" in line]
    figures, left = _copies(cells)
    codes = Counter(detect(pl.Series(cells)))
    said = {f"language.{code or 'undetermined'}": count / len(cells) for code, count in codes.most_common(4)}
    return figures | said | _personal(left)


def cfpb_complaints() -> Figures:
    rows = read_rows("cfpb_complaints/Consumer_Complaints.csv.gz")
    figures, left = _copies([row["Consumer complaint narrative"] for row in rows])
    return figures | _personal(left)


SETS: dict[str, Callable[[], Figures]] = {
    "hospital_dirty_clean": hospital,
    "febrl": febrl,
    "ftfy_mojibake": ftfy_mojibake,
    "udhr_langid": udhr_langid,
    "sms_spam": sms_spam,
    "cfpb_complaints": cfpb_complaints,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("sets", nargs="*", help=f"some of {', '.join(SETS)}; all if not given")
    parser.add_argument("--json", type=Path, help="write the figures here, as one flat object")
    arguments = parser.parse_args()
    figures = {}
    for name, measure in SETS.items():
        if arguments.sets and name not in arguments.sets:
            continue
        if not (DATA / name).exists():
            print(f"{name} was left out: there is no {DATA / name}")
            continue
        figures |= {f"{name}.{key}": round(float(value), 4) for key, value in measure().items()}
    for key, value in figures.items():
        print(f"{key:<52} {value:>12,.4f}")
    if arguments.json:
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
