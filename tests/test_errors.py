import pickle

from tailor.errors import WorkbenchError, did_you_mean


def test_an_error_says_three_things():
    error = WorkbenchError("row 7 is empty", "a text", "fill it")
    assert str(error) == "Found: row 7 is empty\nNeeded: a text\nDo: fill it"


def test_jupyter_shows_the_three_lines_and_no_stack():
    error = WorkbenchError("a", "b", "c")
    assert error._render_traceback_() == ["Found: a", "Needed: b", "Do: c"]


def test_an_error_survives_another_process():
    error = pickle.loads(pickle.dumps(WorkbenchError("a", "b", "c")))
    assert (error.found, error.needed, error.fix) == ("a", "b", "c")


def test_a_near_name_is_offered():
    assert did_you_mean("lern_rate", ["learning_rate", "batch_size"]) == " Did you mean 'learning_rate'?"


def test_a_far_name_is_not():
    assert did_you_mean("zebra", ["learning_rate"]) == ""
    assert did_you_mean("x", []) == ""
