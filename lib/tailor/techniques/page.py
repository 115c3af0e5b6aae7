"""What a technique's page tells: in docs/techniques.md, and in 07 for the one that was chosen.

``python -m tailor.techniques.page docs`` writes docs/techniques.md and the drawings in docs/techniques/.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from tailor.blocks import Block, Figure, Heading, Text
from tailor.evaluation.results import show_bytes
from tailor.models.catalog import ModelSource, resolve
from tailor.plots import brief, network_parts, network_parts_svg
from tailor.records import NetworkPart
from tailor.settings import describe
from tailor.techniques import TECHNIQUES
from tailor.techniques.anatomy import all_numbers, anatomy, trained_numbers
from tailor.techniques.base import Technique

MODEL = "tailor-mini"
NEED_ENCODER = ("head_only", "setfit", "encoder_classifier")
LABELS = [f"label {number}" for number in range(10)]
HEAD = f"""# Techniques

Every way of customizing a model that 05 and 06 offer, as the code describes it (this page is made by
`python -m tailor.techniques.page docs`; a test compares). Choose one by its name:
`--set 06_choose_technique.technique=lora`.

The drawings show what training does to each part of the network. They are made by putting each technique, with its
default settings, into the bundled `{MODEL}` and counting; techniques for encoders alone into an encoder of the shape
of `all-minilm-l6-v2`, with ten labels.

"""


def page_blocks(technique: Technique, parts: list[NetworkPart]) -> list[Block]:
    """The technique's page for one model: what it changes, what it costs, when it wins and when not, its source.

    Args:
        parts: what `tailor.techniques.anatomy.anatomy` counted.
    """
    drawing = (
        [Figure(lambda: network_parts(parts), _alt(technique, parts)), Text(cost_of(parts, technique))]
        if parts
        else []
    )
    told = (f"{name}: {text}" for name, text in _advice(technique).items())
    return [
        Heading(f"What {technique.title} changes"),
        Text(technique.summary),
        *drawing,
        *map(Text, told),
        Text(f"Source: {technique.source}."),
    ]


def cost_of(parts: list[NetworkPart], technique: Technique | None = None) -> str:
    """How much is trained, and the memory that this alone takes while training.

    Args:
        technique: asked whether it keeps the layers in fewer bytes than usual.
    """
    trained, total = trained_numbers(parts), all_numbers(parts)
    if not trained:
        return f"Trains none of the model's {brief(total)} numbers."
    small = getattr(technique and technique.Config, "weight_bytes", 4.0)
    inner = sum(part.numbers for part in parts if part.part in ("attention", "feed-forward"))
    # weights; for trained ones a gradient and Adam's two averages
    held = show_bytes(round(4 * (total - inner) + small * inner + 12 * trained))
    return (
        f"Trains {brief(trained)} of {brief(total)} numbers ({trained / total:.2%}). Training holds {held} of weights, "
        "gradients and the optimizer's averages, and beside them what the rows take."
    )


def _advice(technique: Technique) -> dict[str, str]:
    return {
        "What it costs": technique.costs,
        "Choose it when": technique.wins,
        "Choose another when": technique.loses,
    }


def _alt(technique: Technique, parts: list[NetworkPart]) -> str:
    names = dict.fromkeys(part.part for part in parts if part.trained or part.new)
    return f"{technique.title} changes {', '.join(names) or 'nothing of the network'}"


# --- docs/techniques.md --------------------------------------------------------------------------------------------
def write_pages(docs: Path) -> None:
    """Write techniques.md and one drawing for each technique."""
    counted = count_all()
    (docs / "techniques").mkdir(parents=True, exist_ok=True)
    (docs / "techniques.md").write_text(page(counted), encoding="utf-8")
    for name, technique in TECHNIQUES.items():
        (docs / "techniques" / f"{name}.svg").write_text(drawing(technique, counted[name]), encoding="utf-8")


@dataclass(frozen=True)
class OnModel:
    """A technique on the page's model: the network's parts, and the bytes of what it leaves."""

    parts: list[NetworkPart]
    left: int


def count_all() -> dict[str, OnModel]:
    """Every technique on the page's model, by the technique's name."""
    found = {}
    with TemporaryDirectory() as folder:
        bases = {True: _small_encoder(Path(folder)), False: resolve(MODEL)}
        for name, technique in TECHNIQUES.items():
            config, base = technique.Config(), bases[name in NEED_ENCODER]
            left = 4 * technique.trained(config, base)
            found[name] = OnModel(anatomy(technique, config, base, LABELS), left)
    return found


def _small_encoder(folder: Path) -> ModelSource:
    """A config of all-minilm-l6-v2's shape: the model itself does not ship with the workbench."""
    from transformers import BertConfig

    BertConfig(
        hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536
    ).save_pretrained(folder)
    return ModelSource("all-minilm-l6-v2", "folder", str(folder), "encoder", parameters=22_713_216)


def drawing(technique: Technique, on: OnModel) -> str:
    """The technique's drawing as SVG."""
    return network_parts_svg(on.parts, _alt(technique, on.parts))


def page(counted: dict[str, OnModel]) -> str:
    """The page: a table, then each technique with its drawing, its advice and its settings' defaults."""
    lines = ["| name | technique | trains | ships as |", "|---|---|---|---|"]
    for name, technique in TECHNIQUES.items():
        lines.append(
            f"| [{name}](#{name}) | {technique.title} | {_share(counted[name].parts)} | {_ships(technique)} |"
        )
    sections = (_section(name, technique, counted[name]) for name, technique in TECHNIQUES.items())
    return HEAD + "\n".join(lines) + "\n" + "".join(sections)


def _share(parts: list[NetworkPart]) -> str:
    trained = trained_numbers(parts)
    return f"{brief(trained)} numbers ({trained / all_numbers(parts):.2%})" if trained else "nothing"


def _ships(technique: Technique) -> str:
    if not technique.changes_weights:
        return "a prompt beside the base model"
    return "a plain model folder" if technique.merges else "a small file beside the base model"


def _section(name: str, technique: Technique, on: OnModel) -> str:
    """Summary, drawing, advice, source, and a table of settings."""
    advice = "".join(f"- **{title}**: {text}\n" for title, text in _advice(technique).items())
    rows = "".join(
        f"| {field.name} | `{field.default!r}` | {_cell(field.explain)} | {_cell(field.source or '')} |\n"
        for field in describe(technique.Config)
    )
    table = f"\n| setting | default | what it does | source |\n|---|---|---|---|\n{rows}" if rows else ""
    left = f" Leaves about {show_bytes(on.left)} on disk." if on.left else ""
    return (
        f"\n## {name}\n\n{technique.title}. {technique.summary}\n\n"
        f"![{_alt(technique, on.parts)}](techniques/{name}.svg)\n\n{cost_of(on.parts, technique)}{left}\n\n{advice}\n"
        f"Source: {technique.source}.\n{table}"
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    write_pages(Path(sys.argv[1]))
