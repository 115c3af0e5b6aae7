"""The word lists beside this file."""

from functools import cache
from importlib import resources


@cache
def words(name: str) -> tuple[str, ...]:
    """One of the lists of words.yaml."""
    import yaml

    text = resources.files(__package__).joinpath("words.yaml").read_text(encoding="utf-8")
    return tuple(str(word) for word in yaml.safe_load(text)[name])
