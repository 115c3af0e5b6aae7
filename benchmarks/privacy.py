"""How much personal data is found, and how much of what is masked is none: python benchmarks/privacy.py [--json FILE].

Two sets whose personal data is known: presidio-research's synthetic sentences (../shared/data/presidio_pii), and what
is planted in the demo data. Nothing of either was used as a word list.

recall: the share of planted values of which no character is left. precision: the share of what was masked as a kind
that touches a planted value of that kind. speed: rows a second of processor time, distinct texts, survey included.
"""

import argparse
import gzip
import json
import re
import time
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

import polars as pl

from tailor.data.cleaning.operation import Columns
from tailor.data.cleaning.privacy import KINDS, MaskPersonalData
from tailor.data.readers import Limits, read_file

ROOT = Path(__file__).resolve().parents[1]
PRESIDIO = ROOT.parent / "shared/data/presidio_pii/synth_dataset_v2.json.gz"
DEMO = ROOT / "data/demos/bank_support"
OF_PRESIDIO = {
    "PERSON": "name",
    "STREET_ADDRESS": "address",
    "PHONE_NUMBER": "phone",
    "EMAIL_ADDRESS": "email",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "US_SSN": "id_number",
    "IP_ADDRESS": "ip",
}
BESIDE = {"address": {"GPE", "ZIP_CODE"}}
"""Kinds of presidio's that are part of one of ours: a town in an address is no false alarm."""
OF_DEMO = {
    "pii_name": "name",
    "pii_address": "address",
    "pii_phone": "phone",
    "pii_email": "email",
    "pii_card_number": "card",
    "pii_iban": "iban",
}
SIX = ["email", "iban", "card", "phone", "id_number", "ip"]


class Planted(NamedTuple):
    start: int
    end: int
    kind: str


def masked_spans(text: str, masked: str) -> list[Planted]:
    """Where placeholders took the place of text, by laying what is left between them over the original."""
    pieces = re.split(r"\[([A-Z_]+)(?: \d+)?\]", masked)
    kinds = [piece.lower() for piece in pieces[1::2]]
    found = re.fullmatch("(.+?)".join(re.escape(piece) for piece in pieces[::2]), text, re.DOTALL)
    if found is None:
        raise ValueError(f"the masked text does not fit its original: {masked!r}")
    return [Planted(*found.span(n), kind) for n, kind in enumerate(kinds, 1)]


def scores(rows: list[tuple[str, str, list[Planted]]]) -> dict[str, dict[str, float]]:
    """Kind -> planted, found, recall, masked, right, precision. Rows are (text, masked text, what is planted)."""
    count: dict[str, dict[str, int]] = defaultdict(
        lambda: dict.fromkeys(("planted", "found", "masked", "right"), 0)
    )
    for text, masked, planted in rows:
        spans = masked_spans(text, masked)
        hidden = {place for span in spans for place in range(span.start, span.end)}
        for value in planted:
            if value.kind in KINDS:
                count[value.kind]["planted"] += 1
                letters = [p for p in range(value.start, value.end) if text[p].isalnum()]
                count[value.kind]["found"] += all(place in hidden for place in letters)
        for span in spans:
            kinds = {span.kind, *BESIDE.get(span.kind, ())}
            touched = any(v.kind in kinds and v.start < span.end and span.start < v.end for v in planted)
            count[span.kind]["masked"] += 1
            count[span.kind]["right"] += touched
    return {kind: _rates(count[kind]) for kind in KINDS if kind in count}


def _rates(count: dict[str, int]) -> dict[str, float]:
    recall = count["found"] / count["planted"] if count["planted"] else float("nan")
    precision = count["right"] / count["masked"] if count["masked"] else float("nan")
    return {**count, "recall": recall, "precision": precision}


def mask_texts(columns: dict[str, list[str | None]]) -> pl.DataFrame:
    """Every column masked as 03_clean_data masks running text."""
    names = tuple(columns)
    height = len(next(iter(columns.values())))
    ids = {"row_id": [f"t:{n}" for n in range(height)], "source": ["t"] * height}
    frame = pl.DataFrame({**ids, **columns}, schema=dict.fromkeys([*ids, *names], pl.String))
    return MaskPersonalData().run_alone(frame, Columns(names=names, texts=names, coded=names)).frame


def presidio() -> dict[str, dict[str, float]]:
    items = json.loads(gzip.decompress(PRESIDIO.read_bytes()))
    texts = [item["full_text"] for item in items]
    masked = mask_texts({"text": texts})["text"]
    rows = []
    for item, new in zip(items, masked, strict=True):
        planted = [
            Planted(
                s["start_position"], s["end_position"], OF_PRESIDIO.get(s["entity_type"], s["entity_type"])
            )
            for s in item["spans"]
        ]
        rows.append((item["full_text"], new, planted))
    return scores(rows)


def demo() -> dict[str, dict[str, float]]:
    """Each file of the demo as it stands; a value counts wherever it stands in its cell."""
    table = pl.read_csv(DEMO / "planted.csv", infer_schema_length=0).filter(
        pl.col("kind").is_in(list(OF_DEMO))
    )
    rows = []
    for file, *_ in table.select("file").unique(maintain_order=True).rows():
        found = read_file(DEMO / file, Limits(), "", "")
        here = table.filter(pl.col("file") == file)
        columns = here["column"].unique(maintain_order=True).to_list()
        texts = {name: [row[found.columns.index(name)] or "" for row in found.rows] for name in columns}
        masked = mask_texts(texts)
        values = defaultdict(list)
        for row in here.rows(named=True):
            values[row["id"], row["column"]].append((row["detail"], OF_DEMO[row["kind"]]))
        for place, row in enumerate(found.rows):
            for name in columns:
                text = texts[name][place]
                planted = [
                    Planted(match.start(), match.end(), kind)
                    for value, kind in values[row[0], name]
                    for match in re.finditer(rf"(?<!\w){re.escape(value)}(?!\w)", text)
                ]
                rows.append((text, masked[name][place], planted))
    return scores(rows)


def speed(kinds: list[str], rows: int = 20_000) -> float:
    """Rows of the demo a second, each made distinct by a number; on as many cores as polars has."""
    texts = [
        cell
        for file in ("tickets_2025.csv", "helpdesk_export.jsonl")
        for row in read_file(DEMO / file, Limits(), "", "").rows
        for cell in row
        if cell and len(cell) > 150
    ]
    cells = [f"{n} {texts[n % len(texts)]}" for n in range(rows)]
    frame = pl.DataFrame({"row_id": [str(n) for n in range(rows)], "source": ["t"] * rows, "text": cells})
    start = time.process_time()
    MaskPersonalData(kinds=kinds).run_alone(frame, Columns(names=("text",), texts=("text",)))
    return rows / (time.process_time() - start)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, help="write the figures here too")
    arguments = parser.parse_args()
    figures: dict[str, object] = {"demo": demo()}
    if PRESIDIO.exists():
        figures["presidio"] = presidio()
    for name, found in figures.items():
        print(f"\n{name:<12}{'planted':>8}{'recall':>9}{'masked':>8}{'precision':>11}")
        for kind, row in found.items():
            print(
                f"{kind:<12}{row['planted']:>8}{row['recall']:>9.3f}{row['masked']:>8}{row['precision']:>11.3f}"
            )
    figures["speed"] = {"six_kinds": speed(SIX), "all_kinds": speed(list(KINDS))}
    print("\nrows a second: " + ", ".join(f"{name} {rate:,.0f}" for name, rate in figures["speed"].items()))
    if arguments.json:
        arguments.json.write_text(
            json.dumps(figures, indent=2).replace("NaN", "null") + "\n", encoding="utf-8"
        )


if __name__ == "__main__":
    main()
