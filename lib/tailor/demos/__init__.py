"""Demo data that ships with the workbench, made by a seeded generator from a small grammar.

``python -m tailor.demos bank_support --out DIR --seed 7`` writes the same bytes every time.
"""

from pathlib import Path

NAMES = ("bank_support", "bank_intents")
SEED = 7


def build(name: str, folder: Path, seed: int = SEED) -> None:
    """Write the demo ``name`` into ``folder``."""
    from tailor.demos import bank_intents, bank_support  # only now, so that NAMES costs nothing to import

    makers = {"bank_support": bank_support.build, "bank_intents": bank_intents.build}
    if name not in makers:
        raise ValueError(f"no demo {name!r}; there are: {', '.join(NAMES)}")
    makers[name](Path(folder), seed)
