"""Who may import what, and what is loaded when: the rules that keep starting quick and the library usable anywhere."""

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import tailor
from tailor.series import STEPS

LIBRARY = Path(tailor.__file__).parent
MODULES = sorted(LIBRARY.rglob("*.py"))
HEAVY = {
    "torch",
    "transformers",
    "peft",
    "datasets",
    "pandas",
    "matplotlib",
    "sklearn",
    "papermill",
    "ipywidgets",
}


def imported(path: Path) -> set[str]:
    """The top-level packages a module imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add(node.module.split(".")[0])
    return names


def importers(package: str) -> set[str]:
    return {str(path.relative_to(LIBRARY)) for path in MODULES if package in imported(path)}


def test_only_the_execution_of_notebooks_imports_papermill():
    assert importers("papermill") == {"execution.py"}


def test_only_the_interface_imports_ipywidgets():
    found = importers("ipywidgets") | importers("anywidget")
    assert found
    assert all(path.startswith("ui/") for path in found), found


def test_nothing_unpickles():
    assert importers("pickle") | importers("joblib") | importers("dill") == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(LIBRARY)))
def test_nothing_trusts_remote_code(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.keyword) and node.arg == "trust_remote_code":
            assert isinstance(node.value, ast.Constant)
            assert node.value.value is False


def fresh(code: str) -> tuple[dict, float]:
    """Run code that prints JSON in a fresh Python. Returns what it printed and the processor seconds it took."""
    before = os.times()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    after = os.times()
    seconds = after.children_user - before.children_user + after.children_system - before.children_system
    return json.loads(done.stdout), seconds


LOADED = "import json, sys; print(json.dumps(sorted({name.split('.')[0] for name in sys.modules})))"


def test_importing_tailor_is_quick_and_loads_nothing_heavy():
    loaded, seconds = fresh(f"import tailor; {LOADED}")
    assert not HEAVY & set(loaded)
    assert seconds < 0.5


def test_where_a_project_stands_is_found_without_anything_heavy():
    steps = "; ".join(f"import tailor.steps.{step.name[3:]}" for step in STEPS)
    loaded, _ = fresh(f"import tailor.cli, tailor.project, tailor.notebook; {steps}; {LOADED}")
    assert not HEAVY & set(loaded)


def test_help_is_quick():
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-m", "tailor.cli", "--help"], capture_output=True, text=True, check=True
    )
    after = os.times()
    assert "run the series headless" in done.stdout
    assert after.children_user - before.children_user + after.children_system - before.children_system < 0.5
