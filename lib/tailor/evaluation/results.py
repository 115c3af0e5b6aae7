"""Tables and sentences of evaluations, read from disk: what steps 05 and 10 and the report show alike."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tailor.blocks import Table
from tailor.evaluation.compare import (
    confusions,
    name_of,
    show_difference,
    show_estimate,
    show_p,
    show_value,
)
from tailor.evaluation.references import TITLES
from tailor.evaluation.slices import Slice
from tailor.records import Compared, Estimate, Evaluation

if TYPE_CHECKING:
    import polars as pl

LONGEST_SHOWN = 300
"""Characters of a text shown in a table of samples."""


def evaluations_table(found: Sequence[Evaluation], titles: dict[str, str], caption: str) -> Table:
    """One line for each evaluation: every metric with its interval, and what it cost."""
    names = _names(found)
    costs = any(record.measured for record in found)
    columns = ["model", *[name_of(name) for name in names]]
    columns += ["calibration", "seconds", "peak memory"] if costs else []
    rows = [
        [
            titles.get(record.run) or TITLES.get(record.run, record.run),
            *_cells(record.metrics, names),
            *([record.settings.get("calibration_used", ""), *show_cost(record.measured)] if costs else []),
        ]
        for record in found
    ]
    return Table(columns, rows, caption)


def show_cost(measured: dict[str, Any]) -> tuple[str, str]:
    """Seconds of answering, and peak memory, as text; blanks where nothing was measured."""
    seconds, peak = measured.get("seconds"), measured.get("peak_gib")
    return f"{seconds:.1f} s" if seconds is not None else "", f"{peak:.2f} GiB" if peak is not None else ""


def comparison_table(compared: Sequence[Compared], headline: str, costs: dict[str, dict]) -> Table:
    """The final table: each model's metrics, its difference to the base model, and what it costs to ask."""
    names = _names(compared)
    columns = ["model", "role", *[name_of(name) for name in names], "against the base model", "p-value"]
    forgot = any(line.forgotten for line in compared)
    columns += [*(["forgotten"] if forgot else []), "seconds", "peak memory", "file size"]
    rows = [
        [
            line.title,
            line.role,
            *_cells(line.metrics, names),
            show_difference(headline, line.difference) if line.difference else "",
            show_p(line.p_told),
            *([f"{line.forgotten.value:+.2f} bits" if line.forgotten else ""] if forgot else []),
            *show_cost(costs.get(line.run, {})),
            show_bytes(line.bytes),
        ]
        for line in compared
    ]
    caption = "All models on the same test rows; in brackets the 95% interval"
    if forgot:
        caption += "; forgotten: bits that a character of general text takes more than before tuning"
    return Table(columns, rows, caption)


def _names(lines: Sequence[Compared | Evaluation]) -> list[str]:
    """Every metric that any line has, in the order in which they come."""
    return list(dict.fromkeys(name for line in lines for name in line.metrics))


def _cells(metrics: dict[str, Estimate], names: Sequence[str]) -> list[str]:
    """Each metric as text; blank where it could not be measured."""
    return [show_estimate(name, metrics[name]) if name in metrics else "" for name in names]


def costs_table(compared: Sequence[Compared], costs: dict[str, dict]) -> Table:
    """What asking each model cost: how long one person waits, how much it gets through, and an estimate of energy."""
    names = [
        "seconds_per_answer",
        "seconds_per_answer_p95",
        "tokens_per_second",
        "peak_gib",
        "watt_hours_per_1000",
    ]
    known = [name for name in names if any(name in costs.get(line.run, {}) for line in compared)]
    rows = [
        [
            line.title,
            *[
                show_value(name, costs[line.run][name]) if name in costs.get(line.run, {}) else ""
                for name in known
            ],
            show_bytes(line.bytes),
        ]
        for line in compared
    ]
    caption = "What an answer costs on this machine, each asked by itself; energy is CPU seconds times watts_per_core"
    return Table(["model", *[name_of(name) for name in known], "file size"], rows, caption)


def slices_table(parts: Sequence[Slice], metric: str) -> Table:
    """Where the model is weakest: the metric by parts of the rows, what is surely worse than the rest first."""
    rows = [
        [
            part.kind,
            part.value,
            part.rows,
            show_estimate(metric, part.found),
            show_value(metric, part.rest),
            f"worse than the rest, {show_p(part.p_value)}" if part.is_worse else "",
        ]
        for part in parts
    ]
    columns = ["by", "slice", "rows", name_of(metric), "all others", "beyond chance (corrected)"]
    return Table(columns, rows, "Parts of the test rows, worst first", show=12)


def confusions_table(table: "pl.DataFrame") -> Table:
    rows = [[right, given, f"{count} of {total}"] for right, given, count, total in confusions(table, most=8)]
    return Table(["right label", "label given", "times"], rows, "The commonest mistakes")


def samples_table(table: "pl.DataFrame", metric: str, *, best: bool, most: int = 5) -> Table:
    """The best or worst answers by the metric; for labels, the surest right or wrong ones."""
    surest = [-value for value in table["confidence"].to_list()] if "confidence" in table.columns else None
    values = table[metric].to_list()
    order = sorted(
        range(table.height),
        key=lambda i: (-values[i] if best else values[i], surest[i] if surest else 0, table["id"][i]),
    )
    wanted = [i for i in order if surest is None or (values[i] > 0) == best][:most]
    rows = [
        [
            table["id"][i],
            *[shorten(table[column][i]) for column in ("input", "reference", "prediction")],
            f"{table['confidence'][i]:.0%} sure" if surest else show_value(metric, values[i]),
        ]
        for i in wanted
    ]
    columns = ["row", "input", "reference", "answer", "confidence" if surest else name_of(metric)]
    if surest:
        caption = "Right answers, the surest first" if best else "Wrong answers, the surest first"
    else:
        caption = "The best answers" if best else "The worst answers"
    return Table(columns, rows, caption)


def show_bytes(size: int) -> str:
    """ "1.3 MB", in the units of disks."""
    if size < 1000:
        return f"{size} B"
    for unit in ("kB", "MB"):
        size /= 1000
        if size < 1000:
            return f"{size:.1f} {unit}"
    return f"{size / 1000:.1f} GB"


def shorten(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "..."
