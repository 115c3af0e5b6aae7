"""What 04_format_data shows of its exports: files, counts, rules broken, cost."""

from collections.abc import Sequence

from tailor.blocks import Block, Callout, Heading, Table, Text
from tailor.data.exports import FORMATS
from tailor.data.exports.export import cost
from tailor.records import Exported


def export_blocks(exports: Sequence[Exported], epochs: int, price: float) -> list[Block]:
    """A table of the files, a callout for each one that breaks a rule, and a line of cost where a price was given."""
    if not exports:
        return []
    lines = [
        (
            e.format,
            e.split,
            e.rows,
            e.tokens,
            sum(e.left_out.values()),
            len(e.problems) + e.more_problems,
            e.file,
        )
        for e in exports
    ]
    columns = ("format", "split", "rows", "tokens", "left out", "rules broken", "file")
    note = "Tokens are counted with the base model's tokenizer; a service counts with its own."
    shown: list[Block] = [
        Heading("Exports"),
        Table(columns, lines, note),
        *(_broken(e) for e in exports if e.problems),
    ]
    shown += [Text(f"{name}: {FORMATS[name].rules}") for name in dict.fromkeys(e.format for e in exports)]
    shown += [Text(_left_out(e)) for e in exports if e.left_out]
    if price:
        shown += [Text(_cost(e, epochs, price)) for e in exports if e.split == "train"]
    if not any(e.problems for e in exports):
        shown.append(Callout("Every file keeps the published rules of its format.", "good"))
    return shown


def _broken(found: Exported) -> Callout:
    more = f" And {found.more_problems:,} more." if found.more_problems else ""
    return Callout(f"{found.file}: {'; '.join(found.problems)}.{more}", "warning")


def _left_out(found: Exported) -> str:
    reasons = "; ".join(f"{count:,} rows since {reason}" for reason, count in found.left_out.items())
    return f"Left out of {found.file}: {reasons}."


def _cost(found: Exported, epochs: int, price: float) -> str:
    total = cost(found.tokens, epochs, price)
    return f"{found.format}: {found.tokens:,} tokens, {epochs} epochs, {price:g} a million: {total:,.2f} for training."
