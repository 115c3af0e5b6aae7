"""Finding and replacing personal data in one text and in a column of texts."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import polars as pl

from tailor.data.cleaning.limited_regex import LimitedPattern
from tailor.data.cleaning.operation import put_back
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
    pieces = names.pieces(masked)
    return _with_new_pieces(masked, pieces, _new_pieces(pieces, given, write))


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
    rows = _worth_a_look(cells, [kind for kind in kinds if kind in GATES], bool(patterns))
    table = {}
    for _, text, *held in rows.unique("text", maintain_order=True).iter_rows():
        there = [kind for kind, hit in zip(rows.columns[2:], held, strict=True) if hit]
        if (new := mask_forms(text, there, write, patterns, keep)) != text:
            table[text] = new
    if table:
        cells = put_back(cells, rows["place"], rows["text"].replace(table))
    return mask_names(cells, given, write, keep) if "name" in kinds else cells


def _worth_a_look(cells: pl.Series, kinds: Sequence[str], every: bool) -> pl.DataFrame:
    """The cells that may hold something: their place, the text, and for each kind whether it may be there.

    Args:
        every: all texts, since patterns that no gate knows are looked for too.
    """
    text = pl.col("text")
    gates = [text.str.contains(GATES[kind]).alias(kind) for kind in kinds]
    some = pl.lit(True) if every else pl.any_horizontal(pl.lit(False), *kinds)
    return pl.DataFrame({"text": cells}).with_row_index("place").drop_nulls().with_columns(gates).filter(some)


def mask_names(
    cells: pl.Series, given: frozenset[str], write: Write, keep: frozenset[str] = frozenset()
) -> pl.Series:
    """Replace names by what stands around them; `given` are first names shown by other rows."""
    pieces = names.contexts(cells)
    table = _new_pieces(pieces.explode().drop_nulls().unique(maintain_order=True), given, write, keep)
    if not table:
        return cells
    # each row by its own pieces only: what another row holds must not matter, nor how the table is cut
    masked = [
        _with_new_pieces(text, found, table) if text and found is not None else text
        for text, found in zip(cells, pieces.to_list(), strict=True)
    ]
    return pl.Series(cells.name, masked, dtype=pl.String)


def _with_new_pieces(text: str, pieces: Sequence[str], table: Mapping[str, str]) -> str:
    for piece in sorted(
        {piece for piece in pieces if piece in table}, key=lambda piece: (-len(piece), piece)
    ):
        text = text.replace(piece, table[piece])
    return text


def _new_pieces(
    pieces: Iterable[str], given: frozenset[str], write: Write, keep: frozenset[str] = frozenset()
) -> dict[str, str]:
    """Each piece that holds a name, and what it becomes."""
    table = {}
    for piece in pieces:
        places = sorted({*names.certain(piece), *names.probable(piece, given)})
        new, end = [], 0
        for start, stop in places:
            if start >= end:
                value = piece[start:stop]
                new += [piece[end:start], value if value.lower() in keep else write("name", value)]
                end = stop
        if places:
            table[piece] = "".join([*new, piece[end:]])
    return table
