from typing import Literal

import pytest

from tailor.errors import WorkbenchError
from tailor.settings import Settings, describe, make_settings, setting


class Sample(Settings):
    rate: float = setting(
        0.1, "How fast.", unit="per step", source="a paper, section 2", gt=0, le=1, log=True
    )
    kind: Literal["fast", "slow"] = setting("fast", "Which.")
    names: list[str] = setting([], "Some names.")
    must: str = setting(..., "A text that must be given.")


def error(values: dict) -> str:
    with pytest.raises(WorkbenchError) as caught:
        make_settings(Sample, values, "07_tune")
    return str(caught.value)


def test_values_are_read_as_their_type():
    assert make_settings(Sample, {"rate": "2e-1", "must": "x"}, "07_tune").rate == 0.2


def test_a_default_list_is_not_shared():
    first, second = Sample(must="a"), Sample(must="b")
    first.names.append("x")
    assert second.names == []


def test_an_unknown_setting_is_refused_with_a_near_name():
    assert error({"rte": 1, "must": "x"}) == (
        "Found: 07_tune has no setting 'rte'\n"
        "Needed: one of: rate, kind, names, must\n"
        "Do: correct the name. Did you mean 'rate'?"
    )


def test_a_value_out_of_bounds_is_refused():
    assert error({"rate": 2, "must": "x"}) == (
        "Found: 07_tune.rate is 2\nNeeded: input should be less than or equal to 1\nDo: change 07_tune.rate"
    )


def test_an_unknown_choice_is_refused_with_a_near_one():
    assert error({"kind": "fats", "must": "x"}) == (
        "Found: 07_tune.kind is 'fats'\n"
        "Needed: input should be 'fast' or 'slow'\n"
        "Do: change 07_tune.kind. Did you mean 'fast'?"
    )


def test_a_value_that_must_be_given_is_asked_for():
    assert error({}) == (
        "Found: 07_tune.must is not set\nNeeded: A text that must be given.\nDo: give 07_tune.must a value"
    )


def test_a_field_says_everything_about_itself():
    rate, kind, _, must = describe(Sample)
    assert (rate.unit, rate.source, rate.low, rate.high, rate.log) == (
        "per step",
        "a paper, section 2",
        0,
        1,
        True,
    )
    assert kind.choices == ("fast", "slow")
    assert must.required
    assert must.default is None


def test_settings_cannot_be_changed_in_place():
    with pytest.raises(ValueError, match="frozen"):
        Sample(must="x").rate = 0.5
