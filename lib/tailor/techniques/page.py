"""docs/techniques.md from the techniques themselves: ``python -m tailor.techniques.page > docs/techniques.md``."""

from tailor.settings import describe
from tailor.techniques import TECHNIQUES

HEAD = """# Techniques

Every way of customizing a model that 05 and 06 offer, as the code describes it (this page is made by
`python -m tailor.techniques.page`; a test compares). Choose one by its name:
`--set 06_choose_technique.technique=lora`.

"""


def page() -> str:
    """The page: a table, then each technique with its source and its settings' defaults."""
    lines = ["| name | technique | trains | ships as |", "|---|---|---|---|"]
    for name, technique in TECHNIQUES.items():
        trains = "weights" if technique.changes_weights else "nothing"
        lines.append(f"| [{name}](#{name}) | {technique.title} | {trains} | {_ships(technique)} |")
    return HEAD + "\n".join(lines) + "\n" + "".join(_section(name, t) for name, t in TECHNIQUES.items())


def _ships(technique) -> str:
    if not technique.changes_weights:
        return "a prompt beside the base model"
    return "a plain model folder" if technique.merges else "a small file beside the base model"


def _section(name: str, technique) -> str:
    """Summary, source, and a table of settings."""
    rows = "".join(
        f"| {field.name} | {_value(field.default)} | {_cell(field.explain)} | {_cell(field.source or '')} |\n"
        for field in describe(technique.Config)
    )
    table = f"\n| setting | default | what it does | source |\n|---|---|---|---|\n{rows}" if rows else ""
    return f"\n## {name}\n\n{technique.title}. {technique.summary}\n\nSource: {technique.source}.\n{table}"


def _value(value: object) -> str:
    return f"`{value!r}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    print(page(), end="")
