"""docs/techniques.md and its drawings say what the code says."""

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tailor.techniques import TECHNIQUES
from tailor.techniques.anatomy import all_numbers
from tailor.techniques.page import count_all, drawing, page

DOCS = Path(__file__).parents[2] / "docs"
ANEW = "make it anew: python -m tailor.techniques.page docs"


@pytest.fixture(scope="module")
def counted():
    return count_all()


def test_the_page_is_up_to_date(counted):
    assert (DOCS / "techniques.md").read_text(encoding="utf-8") == page(counted), ANEW


def test_the_encoder_drawn_is_as_large_as_it_is_said_to_be(counted):
    assert 4 * all_numbers(counted["setfit"].parts) == counted["setfit"].left


def structure(svg: str) -> list[tuple]:
    """Every element: what it is, its colour, its text."""
    return [(e.tag, e.get("fill"), (e.text or "").strip()) for e in ElementTree.fromstring(svg).iter()]


def test_every_technique_has_its_drawing_and_no_drawing_is_left_over(counted):
    files = {path.stem: path for path in (DOCS / "techniques").iterdir()}
    assert files.keys() == TECHNIQUES.keys(), ANEW
    for name, path in files.items():
        written = path.read_text(encoding="utf-8")
        assert structure(written) == structure(drawing(TECHNIQUES[name], counted[name])), f"{name}: {ANEW}"
        assert len(written) < 6000
