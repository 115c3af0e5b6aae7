"""Dates as people write them, made comparable."""

import polars as pl

# one pattern for the day and the polars formats it can be in; where several fit, the one that fits most cells wins
_DAYS = (
    (r"^(\d{4}-\d{1,2}-\d{1,2})", ("%Y-%m-%d",)),
    (r"^(\d{4}/\d{1,2}/\d{1,2})", ("%Y/%m/%d",)),
    (r"^(\d{1,2}\.\d{1,2}\.\d{4})", ("%d.%m.%Y",)),
    (r"^(\d{1,2}\.\d{1,2}\.\d{2})(?:\D|$)", ("%d.%m.%y",)),
    (r"^(\d{1,2}/\d{1,2}/\d{4})", ("%m/%d/%Y", "%d/%m/%Y")),
    (r"^[A-Z][a-z]{2}, (\d{1,2} [A-Z][a-z]{2} \d{4})", ("%d %b %Y",)),
)


def sortable(cells: pl.Series) -> list[str]:
    """Each date as ISO text to the minute, so that text order is time order; "" where no known form fits.

    The forms may differ from row to row. Day and month of `03/04/2025` are told apart by the whole column.
    """
    text = cells.fill_null("").str.strip_chars()
    best = pl.Series([None] * len(text), dtype=pl.Date)
    for pattern, forms in _DAYS:
        day = text.str.extract(pattern, 1)
        read = [day.str.to_date(form, strict=False) for form in forms]
        for dates in sorted(read, key=lambda dates: -dates.count()):
            best = best.fill_null(dates)
    clock = text.str.extract(r"[ T](\d{1,2}:\d{2})", 1).fill_null("00:00").str.zfill(5)
    return (best.dt.to_string("%Y-%m-%d") + "T" + clock).fill_null("").to_list()
