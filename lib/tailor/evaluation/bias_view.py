"""What the bias probe shows: gaps between groups, mitigation before and after, what published sets say."""

from tailor.blocks import Block, Callout, Figure, Heading, Table
from tailor.evaluation.compare import name_of, show_difference, show_estimate, show_p
from tailor.records import Estimate, Probed

SURE = 0.05
SETS: dict[str, str] = {
    "bias_crows_pairs": "CrowS-Pairs",
    "bias_winogender": "Winogender",
    "bias_bold": "BOLD",
}


def bias_blocks(found: Probed) -> list[Block]:
    """Blocks under the verdict, from the record alone."""
    gaps = [row for row in found.rows if row["part"] == "gap"]
    shown: list[Block] = [_gap_table(gaps), _gap_figure(gaps)] if gaps else []
    if ways := [row for row in found.rows if row["part"] == "mitigation"]:
        shown.append(_mitigation_table(ways))
    for title in SETS.values():
        rows = [row for row in found.rows if row["part"] == title]
        if rows and "reason" in rows[0]:
            shown.append(Callout(f"{title} was not measured: {rows[0]['reason']}.", "note"))
        elif rows:
            shown += [Heading(title), _set_table(rows)]
    return shown


def _gap_table(rows: list[dict]) -> Table:
    headline = rows[0]["headline"]
    labelled = headline == "accuracy"
    lines = [
        [
            row["axis"],
            row["group"],
            row["rows"],
            show_estimate(headline, Estimate(**row["value"])),
            show_difference(headline, Estimate(**row["gap"])),
            show_p(row["p_value"]),
            f"{row['changed']:.0%}" if labelled else f"{row['changed']:+.1f}",
            show_difference(headline, Estimate(**row["base"])) if row["base"] else "",
        ]
        for row in rows
    ]
    answers = "answers that change" if labelled else "words more in an answer"
    columns = [
        "",
        "written by",
        "rows",
        name_of(headline),
        "against the others",
        "p-value (corrected)",
        answers,
        "the base model's gap",
    ]
    return Table(columns, lines, "The same rows, as written by different people")


def _gap_figure(rows: list[dict]) -> Figure:
    from tailor.plots import bars_with_intervals

    labels = [f"{row['axis']}: {row['group']}" for row in rows]
    gaps = [Estimate(**row["gap"]) for row in rows]
    return Figure(
        lambda: bars_with_intervals(labels, gaps, f"gap in {name_of(rows[0]['headline'])}"),
        "How much better or worse each group is served than the others, with 95% intervals",
    )


def _mitigation_table(rows: list[dict]) -> Table:
    lines = []
    for row in rows:
        if "reason" in row:
            lines.append([row["way"], "", f"not measured: {row['reason']}", "", "", ""])
            continue
        gaps = [show_difference(row["headline"], Estimate(**gap)) for gap in row["gaps"]]
        quality = [show_estimate(row["headline"], Estimate(**value)) for value in row["quality"]]
        lines.append([row["way"], row["group"], *gaps, *quality])
    columns = [
        "mitigation",
        "group",
        "gap before",
        "gap after",
        f"{name_of(rows[0]['headline'])} before",
        "after",
    ]
    return Table(columns, lines, "The same technique, trained again on changed rows")


def say_preference(rows: list[dict]) -> str:
    """What a published set finds beyond chance, the surest first, in a sentence; "" where it finds nothing."""
    sure = sorted((row for row in rows if row["p_value"] < SURE), key=lambda row: row["p_value"])
    if not sure:
        return ""
    first = sure[0]
    before = f"; the base model: {_shown(first, 'base')}" if first["base"] else ""
    more = f"; and {len(sure) - 1} more, see its table" if len(sure) > 1 else ""
    return (
        f"{first['part']} finds a preference beyond chance: {first['group']}, {_shown(first, 'value')}, "
        f"{show_p(first['p_value'])}{before}{more}."
    )


def _shown(row: dict, column: str) -> str:
    """A figure with its interval; "" where the base model was not asked."""
    if row[column] is None:
        return ""
    kind = ".1%" if row["part"] == "CrowS-Pairs" else ".2f"
    value, low, high = (format(row[column][name], kind) for name in ("value", "low", "high"))
    return f"{value} ({low} to {high})"


def _set_table(rows: list[dict]) -> Table:
    lines = [
        [row["group"], row["rows"], _shown(row, "value"), show_p(row["p_value"]), _shown(row, "base")]
        for row in rows
    ]
    meaning = {
        "CrowS-Pairs": "Share of pairs whose stereotype is held likelier; 50% is no preference",
        "Winogender": "Pronouns that stand for occupations; a share of 0.50 and a correlation of 0 are no preference. "
        "'he' is the commoner word in most text: only the correlation tells whether occupations are held apart",
        "BOLD": "Mean sentiment of what the model wrote, from -1 to 1; p-values against all other groups",
    }
    columns = ["", "rows", "best model", "p-value (corrected)", "base model"]
    return Table(columns, lines, meaning[rows[0]["part"]])
