"""Finding and replacing personal data in one text and in a column of texts."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

import polars as pl

from tailor.data.cleaning.limited_regex import LimitedPattern
from tailor.data.cleaning.privacy import names
from tailor.data.cleaning.privacy.kinds import GATES, KINDS, Span, spans_of
from tailor.data.cleaning.privacy.stand_ins import placeholder

Write = Callable[[str, str], str]
"""(kind, value) -> what to write in its place."""


def mask(
    text: str,
    kinds: Iterable[str] = KINDS,
    write: Write | None = None,
    given: frozenset[str] = frozenset(),
) -> str:
    """Replace personal data in one text by [EMAIL], [IBAN], [NAME] and so on.

    Args:
        write: makes what is written from the kind and the value found, in place of the plain placeholder.
        given: first names that the data has shown to be some.
    """
    write = write or (lambda kind, _: placeholder(kind))
    masked = mask_forms(text, kinds, write)
    if "name" not in kinds:
        return masked
    cells = pl.Series("text", [masked])
    return mask_names(cells, given, write)[0]


def mask_forms(
    text: str,
    kinds: Iterable[str],
    write: Write,
    patterns: Mapping[str, LimitedPattern] | None = None,
    keep: frozenset[str] = frozenset(),
) -> str:
    """Replace what has a form: everything but names.

    Args:
        patterns: a person's own, by name; they come first.
        keep: values that are nobody's, in small letters.
    """
    spans: list[Span] = []
    for name, pattern in (patterns or {}).items():
        spans += _free((Span(*m.span(), name) for m in pattern.matches(text) if m.group()), spans)
    for kind in KINDS:
        if kind in kinds and kind != "name":
            spans += _free(spans_of(kind, text), spans)
    if not spans:
        return text
    pieces, end = [], 0
    for start, stop, kind in sorted(spans):
        value = text[start:stop]
        pieces += [text[end:start], value if keep and value.lower() in keep else write(kind, value)]
        end = stop
    return "".join([*pieces, text[end:]])


def _free(found: Iterable[Span], taken: Sequence[Span]) -> list[Span]:
    """What stands where nothing was found before."""
    return [span for span in found if not any(span.start < t.end and t.start < span.end for t in taken)]


def mask_column(
    cells: pl.Series,
    kinds: Sequence[str],
    write: Write,
    given: frozenset[str],
    patterns: Mapping[str, LimitedPattern] | None = None,
    keep: frozenset[str] = frozenset(),
) -> pl.Series:
    """Replace personal data in every cell of a column."""
    table = {}
    for text, held in _worth_a_look(cells, [kind for kind in kinds if kind in GATES], bool(patterns)):
        if (new := mask_forms(text, held, write, patterns, keep)) != text:
            table[text] = new
    cells = cells.replace(table) if table else cells
    return mask_names(cells, given, write, keep) if "name" in kinds else cells


def _worth_a_look(cells: pl.Series, kinds: Sequence[str], every: bool) -> Iterator[tuple[str, list[str]]]:
    """Each distinct text that may hold something, with the kinds it may hold.

    Args:
        every: all texts, since patterns that no gate knows are looked for too.
    """
    text = pl.col("text")
    gates = [text.str.contains(GATES[kind]).fill_null(False).alias(kind) for kind in kinds]
    some = pl.lit(True) if every or not gates else pl.any_horizontal(kinds)
    if gates or every:
        rows = pl.DataFrame({"text": cells}).drop_nulls().with_columns(gates).filter(some)
        for row in rows.unique("text", maintain_order=True).iter_rows():
            yield row[0], [kind for kind, held in zip(kinds, row[1:], strict=True) if held]


def mask_names(
    cells: pl.Series, given: frozenset[str], write: Write, keep: frozenset[str] = frozenset()
) -> pl.Series:
    """Replace names by what stands around them; `given` are first names shown by other rows."""
    found = names.contexts(cells).explode().drop_nulls().unique(maintain_order=True)
    table = {}
    for piece in found:
        places = sorted({*names.certain(piece), *names.probable(piece, given)})
        places = [a for a, b in pairwise([*places, (len(piece) + 1, 0)]) if a[1] <= b[0]]
        new, end = [], 0
        for start, stop in places:
            value = piece[start:stop]
            new += [piece[end:start], value if value.lower() in keep else write("name", value)]
            end = stop
        if places:
            table[piece] = "".join([*new, piece[end:]])
    if not table:
        return cells
    longest = sorted(table, key=len, reverse=True)
    return cells.str.replace_many(longest, [table[piece] for piece in longest], leftmost=True)
