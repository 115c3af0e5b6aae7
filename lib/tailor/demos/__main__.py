"""Command line of the demo generator."""

import argparse
from pathlib import Path

from tailor.demos import NAMES, SEED, build


def main(argv: list[str] | None = None) -> None:
    """Write one demo."""
    parser = argparse.ArgumentParser(prog="python -m tailor.demos", description=main.__doc__)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--out", type=Path, required=True, help="folder to write into")
    parser.add_argument("--seed", type=int, default=SEED)
    args = parser.parse_args(argv)
    build(args.name, args.out, args.seed)


if __name__ == "__main__":
    main()
