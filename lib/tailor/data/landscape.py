"""What can be measured about each source: language, period, amount of text, duplicates, nearness to the use case."""

import math
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from tailor.data.cleaning.language import detect
from tailor.data.columns import NAMES, Column, describe_columns, label_columns, name_score, required_columns
from tailor.data.dates import sortable
from tailor.data.profile import read_groups, row_groups, sample_rows
from tailor.progress import Log
from tailor.records import Source, UseCase

if TYPE_CHECKING:
    from tokenizers import Tokenizer

SAMPLE = 5_000
TEXTS = 400
"""Texts of each source whose language, tokens and words are looked at."""
CHARACTERS_PER_TOKEN = 4.0
"""Where there is no tokenizer: English text with a common vocabulary (OpenAI's rule of thumb)."""

_WORD = re.compile(r"\b\w\w+\b")
_FORMULA = r"^\s*(=|@[A-Za-z]+\(|[+-][^\d\s.,][^ ]*[|(!])"
_SERIAL, _STAMP = r"^\s*[2-7]\d{4}(\.\d+)?\s*$", r"^\s*1\d{9}(\d{3})?(\.\d+)?\s*$"


@dataclass(frozen=True)
class Base:
    """What is known about the base model, as far as it stands on this machine.

    Attributes:
        context: tokens it can read; None where unknown.
    """

    tokenizer: "Tokenizer | None" = None
    context: int | None = None
    parameters: int | None = None


@dataclass
class Facts:
    """What was measured about one source.

    Attributes:
        texts: names of its columns of running text.
        sample: a sample of its rows' running text, and their lengths in tokens.
        labels: rows by label, in the sample.
        sampled: rows in the sample.
        duplicates, incomplete, formulas: rows, of all.
        terms: share of the glossary's terms that occur; None without a glossary.
        similarity: to the use case, cosine of TF-IDF vectors, 0 to 1; None where there is nothing to compare.
    """

    columns: list[Column]
    texts: list[str]
    sample: list[str] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)
    sampled: int = 0
    duplicates: int = 0
    incomplete: int = 0
    terms: float | None = None
    similarity: float | None = None


def measure(source: Source, rows: Path, groups: Sequence[tuple[str, int, int]], base: Base) -> Facts:
    """Measure one source; fills in its languages, period, characters, tokens and notes.

    Args:
        rows: rows.parquet.
        groups: its row groups with this source's rows.
    """
    sample = sample_rows(rows, SAMPLE, groups)
    if not sample.height:
        return Facts([], [])
    sample = sample.select(source.columns)
    columns = describe_columns(sample)
    texts = [c.name for c in columns if c.kind in ("text", "messages")]
    facts = Facts(columns, texts, sampled=sample.height)
    if named := label_columns(columns):
        counts = sample[named[0]].drop_nulls().value_counts(sort=True)
        facts.labels = dict(counts.iter_rows())
    if texts:
        joined = sample.select(pl.concat_str(texts, separator=" ", ignore_nulls=True).alias("text"))["text"]
        facts.sample = joined.filter(joined.str.strip_chars() != "").to_list()
        source.languages = _languages(sample, texts)
    source.period = _period(source, sample, columns)
    _note_numbered_dates(source, sample, columns)
    _tally(source, facts, rows, groups)
    spread = facts.sample[:: max(1, len(facts.sample) // TEXTS)][:TEXTS]
    facts.lengths = _count(spread, base.tokenizer)
    characters = sum(map(len, spread))
    source.tokens = round(source.characters * sum(facts.lengths) / characters) if characters else 0
    return facts


def _languages(sample: pl.DataFrame, texts: Sequence[str]) -> dict[str, float]:
    found: Counter = Counter()
    for name in texts:
        cells = sample[name].drop_nulls()
        found.update(detect(cells.gather_every(max(1, cells.len() // TEXTS)).str.slice(0, 2_000)))
    return {code: round(count / found.total(), 4) for code, count in found.most_common()}


def _period(source: Source, sample: pl.DataFrame, columns: list[Column]) -> list[str]:
    """First and last day in the column of dates whose name says most; days far from all others are told instead."""
    times = [column.name for column in columns if column.kind == "time"]
    if not times:
        return []
    best = max(times, key=lambda name: name_score(name, NAMES["time"]))
    days = sorted(date.fromisoformat(text[:10]) for text in sortable(sample[best]) if text)
    if not days:
        return []
    low, high = days[len(days) // 100], days[-1 - len(days) // 100]
    room = max(high - low, timedelta(days=365))
    far = [day for day in days if day < low - room or day > high + room]
    if far:
        shown = " and ".join(str(day) for day in dict.fromkeys((far[0], far[-1])))
        source.notes.append(
            f"column '{best}' has {len(far):,} dates far from all others, such as {shown}; they are kept as they are"
        )
        days = [day for day in days if day not in far]
    return [str(days[0]), str(days[-1])]


def _note_numbered_dates(source: Source, sample: pl.DataFrame, columns: list[Column]) -> None:
    """Say where a column called a date holds numbers: a spreadsheet's days, or a computer's seconds."""
    for column in columns:
        if column.kind not in ("number", "identifier", "group") or not name_score(column.name, NAMES["time"]):
            continue
        cells = sample[column.name].drop_nulls().str.strip_chars()
        if cells.str.contains(_SERIAL).mean() > 0.9:
            first = cells.filter(cells.str.contains(_SERIAL))[0]
            day = date(1899, 12, 30) + timedelta(days=int(float(first)))
            said = f"numbers such as {first}, which are a spreadsheet's dates: {first} is {day}"
        elif cells.str.contains(_STAMP).mean() > 0.9:
            first = cells.filter(cells.str.contains(_STAMP))[0]
            seconds = float(first) / (1000 if len(first.partition(".")[0]) == 13 else 1)
            day = datetime.fromtimestamp(seconds, UTC).date()
            said = f"numbers such as {first}, which are seconds or milliseconds since 1970: {first} is {day}"
        else:
            continue
        source.notes.append(f"column '{column.name}' holds {said}; they are kept as they are")


def _tally(source: Source, facts: Facts, rows: Path, groups: Sequence[tuple[str, int, int]]) -> None:
    """Go through all rows once: characters, duplicates, incomplete rows, cells a spreadsheet would run.

    Duplicates say the same in all running text but for case and blanks around it; 03 looks closer.
    """
    required = required_columns(facts.columns)
    compared = facts.texts or source.columns
    hashes: list[pl.Series] = []
    formulas = 0
    for _, number, _ in groups:
        frame = read_groups(rows, [number], source.columns)
        blank = [pl.col(c).fill_null("").str.strip_chars() == "" for c in required]
        plain = [pl.col(c).fill_null("").str.to_lowercase().str.strip_chars() for c in compared]
        found = frame.select(
            pl.sum_horizontal([pl.col(c).str.len_chars().fill_null(0) for c in facts.texts] or [pl.lit(0)])
            .sum()
            .alias("characters"),
            (pl.any_horizontal(blank) if blank else pl.lit(False)).sum().alias("incomplete"),
            pl.any_horizontal([pl.col(c).str.contains(_FORMULA).fill_null(False) for c in source.columns])
            .sum()
            .alias("formulas"),
        )
        source.characters += int(found["characters"][0])
        facts.incomplete += int(found["incomplete"][0])
        formulas += int(found["formulas"][0])
        hashes.append(frame.select(pl.struct(plain).alias("all"))["all"].hash(seed=0))
    facts.duplicates = source.rows - pl.concat(hashes).n_unique()
    if formulas:
        source.notes.append(
            f"{formulas:,} rows have a cell that a spreadsheet would run as a formula (it begins with =, @, + or -); "
            "here it is text, and exported tables have an apostrophe before it"
        )


def _count(texts: Sequence[str], tokenizer: "Tokenizer | None") -> list[int]:
    if tokenizer is None:
        return [round(len(text) / CHARACTERS_PER_TOKEN) for text in texts]
    return [len(encoded.ids) for encoded in tokenizer.encode_batch(list(texts), add_special_tokens=False)]


def measure_all(sources: Sequence[Source], rows: Path, base: Base, log: Log) -> list[Facts]:
    """Measure every source, in order."""
    groups: dict[str, list[tuple[str, int, int]]] = {source.name: [] for source in sources}
    for group in row_groups(rows):
        groups[group[0]].append(group)
    return [
        measure(source, rows, groups[source.name], base) for source in log.track(sources, "sources measured")
    ]


# --- nearness to the use case --------------------------------------------------------------------------------------
def compare_with_use_case(facts: Sequence[Facts], use_case: UseCase) -> None:
    """Fill in how near each source is to what the use case says about itself."""
    for one in facts:
        one.terms = _share_of_terms(one.sample, use_case)
    texts = [one.sample[:: max(1, len(one.sample) // TEXTS)][:TEXTS] for one in facts]
    for one, similarity in zip(facts, _similarities(texts, describe_use_case(use_case)), strict=True):
        one.similarity = similarity


def describe_use_case(use_case: UseCase) -> str:
    """All that the use case says in its own words: description, glossary, guidelines, examples of tone."""
    terms = [f"{term.term} {term.definition} {' '.join(term.variants)}" for term in use_case.glossary]
    rules = [rule.text for rule in use_case.guidelines]
    pairs = [f"{pair.before} {pair.after}" for pair in use_case.tone.pairs]
    return "\n".join([use_case.title, use_case.description, use_case.users, *terms, *rules, *pairs])


def _share_of_terms(texts: Sequence[str], use_case: UseCase) -> float | None:
    if not use_case.glossary or not texts:
        return None
    everything = "\n".join(texts).lower()
    found = sum(
        any(
            re.search(rf"(?<!\w){re.escape(word.lower())}(?!\w)", everything)
            for word in [term.term, *term.variants]
        )
        for term in use_case.glossary
    )
    return found / len(use_case.glossary)


def _similarities(texts: Sequence[Sequence[str]], wanted: str) -> list[float | None]:
    """Cosine between the use case and the mean of each source's texts, in TF-IDF space over all of them.

    As scikit-learn's TfidfVectorizer(sublinear_tf=True) has it, which a test compares; importing that costs two seconds
    of pandas.
    """
    sources = [[Counter(_WORD.findall(text[:5_000].lower())) for text in source] for source in texts]
    target = Counter(_WORD.findall(wanted.lower()))
    everything = [*(words for source in sources for words in source), target]
    seen = Counter(word for words in everything for word in words)
    weights = {word: math.log((1 + len(everything)) / (1 + count)) + 1 for word, count in seen.items()}

    def vector(words: Counter) -> dict[str, float]:
        raw = {word: (1 + math.log(count)) * weights[word] for word, count in words.items()}
        norm = math.sqrt(sum(value * value for value in raw.values()))
        return {word: value / norm for word, value in raw.items()}

    aim = vector(target)
    found: list[float | None] = []
    for source in sources:
        total: defaultdict[str, float] = defaultdict(float)
        for words in source:
            for word, value in vector(words).items():
                total[word] += value
        norm = math.sqrt(sum(value * value for value in total.values()))
        product = sum(total[word] * value for word, value in aim.items() if word in total)
        found.append(round(product / norm, 4) if norm and aim else None)
    return found
