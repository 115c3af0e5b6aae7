"""`./workbench lint` as a test: ruff is content, and no notebook is stored with outputs."""

import subprocess
import sys

import pytest

from tailor.project import source_home

NOTEBOOKS = sorted(str(path) for path in source_home().glob("notebooks/**/*.ipynb"))


@pytest.mark.parametrize(
    "words",
    [("ruff", "check"), ("ruff", "format", "--check"), ("nbstripout", "--keep-id", "--verify", *NOTEBOOKS)],
    ids=["ruff check", "ruff format", "nbstripout"],
)
def test_the_checks_of_pre_commit_pass(words):
    done = subprocess.run([sys.executable, "-m", *words], cwd=source_home(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
