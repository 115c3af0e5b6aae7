"""Every technique on every architecture: tries each pair for a few steps, and writes docs/architectures.md.

    python benchmarks/architectures.py [architecture or technique ...] [--page]

About a second a pair on a core (four hundred pairs). Names try these alone and write nothing; --page tries nothing and
writes the page anew, for when these were tried by themselves. Needs the extra `qlora`.
"""

import os
import sys
import tempfile
import time
import traceback
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from architectures import (  # noqa: E402
    ARCHITECTURES,
    TECHNIQUES,
    TRAINING,
    blocked,
    page,
    tasks_of_rows,
    try_technique,
    write_architecture,
)

from tailor.models.catalog import resolve  # noqa: E402


def main(names: list[str]) -> int:
    """Try the pairs; returns the number of those that neither learn nor say why."""
    warnings.filterwarnings("ignore")
    only_page, why, failed = "--page" in names, {}, 0
    names = [name for name in names if name != "--page"]
    techniques = [name for name in names if name in TRAINING] or TRAINING
    with tempfile.TemporaryDirectory() as place:
        os.environ["TAILOR_HOME"] = place
        dataset = tasks_of_rows()
        for name in [name for name in names if name in ARCHITECTURES] or ARCHITECTURES:
            base = resolve(str(write_architecture(name, Path(place, name))))
            for technique in techniques:
                start = time.process_time()
                why[name, technique] = blocked(TECHNIQUES[technique], base, dataset)
                if not why[name, technique] and not only_page:
                    failed += not _tried(technique, base, dataset, Path(place, f"{name}-{technique}"))
                if not only_page:
                    spent = time.process_time() - start
                    print(f"{name} {technique} {spent:.1f} s {why[name, technique] or 'tried'}", flush=True)
    if failed:
        print(f"{failed} pairs failed: the page was not written")
    elif not names:
        (ROOT / "docs" / "architectures.md").write_text(page(why), encoding="utf-8")
    return failed


def _tried(technique, base, dataset, folder) -> bool:
    try:
        try_technique(TECHNIQUES[technique], base, dataset, folder)
    except Exception:
        traceback.print_exc()
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]) > 0)
