"""What is checked of a notebook before it is executed; executing it is in test_runner.py."""

import pytest
import small_series

from tailor.errors import WorkbenchError
from tailor.execution import check_parameters, read_notebook


def test_an_unknown_parameter_is_refused():
    sources = {"parameters": "project: str = 'a'\nrate: float | None = None\nx = y = 1", "run": "late = 1"}
    notebook = small_series.notebook(sources)
    check_parameters(notebook, {"project": "p", "rate": 1, "x": 2, "y": 3}, "07_tune.ipynb")
    with pytest.raises(WorkbenchError) as caught:
        check_parameters(notebook, {"projet": "p"}, "07_tune.ipynb")
    assert str(caught.value) == (
        "Found: 07_tune.ipynb has no parameter 'projet'\n"
        "Needed: one of: project, rate, x, y\n"
        "Do: correct the name. Did you mean 'project'?"
    )


def test_a_missing_or_broken_notebook_is_told(tmp_path):
    path = tmp_path / "a.ipynb"
    with pytest.raises(WorkbenchError) as caught:
        read_notebook(path)
    assert caught.value.found == f"there is no notebook {path}"
    path.write_text("{}")
    with pytest.raises(WorkbenchError) as caught:
        read_notebook(path)
    assert caught.value.found == f"{path} is not a notebook"
    assert caught.value.fix == "restore it: git checkout notebooks"
