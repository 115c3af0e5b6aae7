"""docs/techniques.md says what the code says."""

from pathlib import Path

from tailor.techniques.page import page


def test_the_page_is_up_to_date():
    written = (Path(__file__).parents[2] / "docs" / "techniques.md").read_text(encoding="utf-8")
    assert written == page(), "make it anew: python -m tailor.techniques.page > docs/techniques.md"
