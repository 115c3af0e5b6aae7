"""Dates as people write them, made comparable."""

import polars as pl

_FORMATS = ("%Y-%m-%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%Y/%m/%d", "%d.%m.%y")


def sortable(cells: pl.Series) -> list[str]:
    """Each date as ISO text, so that text order is time order; "" where no known form fits.

    Day and month of `03/04/2025` are told apart by the column: month first, unless that fits fewer cells.
    """
    text = cells.fill_null("").str.strip_chars()
    day = text.str.extract(r"^([\d./-]+)", 1)
    clock = text.str.extract(r"(\d{1,2}:\d{2}(?::\d{2})?)", 1).fill_null("00:00").str.zfill(5)
    best = pl.Series([None] * len(text), dtype=pl.Date)
    for form in sorted(_FORMATS, key=lambda f: -day.str.to_date(f, strict=False).count()):
        best = best.fill_null(day.str.to_date(form, strict=False))
    known = best.dt.to_string("%Y-%m-%d")
    return (known + "T" + clock).fill_null("").to_list()
