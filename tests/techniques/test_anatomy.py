"""What trains is counted where it stands, and drawn: prefixes in every layer, both sides of an encoder-decoder."""

from xml.etree import ElementTree

import pytest
from architectures import write_architecture

from tailor import plots
from tailor.models.catalog import resolve
from tailor.plots.techniques import gather_layers, lay_out
from tailor.records import NetworkPart
from tailor.techniques import TECHNIQUES
from tailor.techniques.anatomy import anatomy, trained_numbers


def parts_of(name, base, **settings):
    technique = TECHNIQUES[name]
    return anatomy(technique, technique.Config(**settings), base, ["a", "b"])


def test_prompting_trains_nothing_and_puts_words_before_the_text(base):
    parts = parts_of("few_shot", base)
    assert (parts[0].layer, parts[0].part, parts[0].new) == ("input", "prompt", 0)
    assert trained_numbers(parts) == 0


def test_virtual_tokens_stand_before_the_text(base):
    first, *rest = parts_of("prompt_tuning", base, virtual_tokens=5)
    assert (first.layer, first.part, first.new) == ("input", "prompt", 5 * 32)
    assert not any(part.new or part.trained for part in rest)


def test_a_prefix_stands_in_every_layers_attention(base):
    found = {
        (part.layer, part.part): part.new
        for part in parts_of("prefix_tuning", base, virtual_tokens=5)
        if part.new
    }
    assert found == dict.fromkeys([("layer 1", "attention"), ("layer 2", "attention")], 5 * 2 * 32)


def test_of_the_last_layers_only_the_last_is_trained(base):
    trained = [(part.layer, part.part) for part in parts_of("last_layers", base) if part.trained]
    assert trained == [("layer 2", p) for p in ("attention", "feed-forward", "norms")] + [("output", "norms")]


def test_both_sides_of_an_encoder_decoder_are_told_apart(tmp_path):
    t5 = resolve(str(write_architecture("t5", tmp_path / "t5")))
    layers = list(dict.fromkeys(part.layer for part in parts_of("lora", t5) if part.new))
    assert layers == ["encoder layer 1", "encoder layer 2", "decoder layer 1", "decoder layer 2"]


def deep(layers: int) -> list[NetworkPart]:
    """A network whose last layer is trained."""
    return [
        NetworkPart(layer=f"layer {n}", part="attention", numbers=1000, trained=1000 * (n == layers), new=0)
        for n in range(1, layers + 1)
    ]


@pytest.mark.parametrize(
    ("layers", "columns"), [(3, ["layer 1", "layer 2", "layer 3"]), (32, ["layers 1-31, each", "layer 32"])]
)
def test_in_a_deep_network_like_neighbours_share_a_column(layers, columns):
    assert [name for name, _ in gather_layers(deep(layers))] == columns


def test_the_figure_and_the_svg_show_the_same(base):
    parts = parts_of("lora", base, rank=2)
    drawing, svg = lay_out(parts), plots.network_parts_svg(parts, "a <b> & c")
    root = ElementTree.fromstring(svg)
    tags = [element.tag.rsplit("}", 1)[1] for element in root]
    assert tags.count("rect") == len(drawing.boxes) + 1, "and the ground"
    assert root[0].text == "a <b> & c"
    (axes,) = plots.network_parts(parts).axes
    assert len(axes.patches) == len(drawing.boxes)
    words = {line for text in axes.texts for line in text.get_text().split("\n")}
    assert {"attention", "feed-forward", "put in and trained", "frozen", "layer 2"} <= words
    assert words == {element.text for element in root if element.tag.endswith("text")}


@pytest.mark.parametrize(
    ("number", "told"), [(0, "0"), (384, "384"), (33_792, "33.8 k"), (1_572_864, "1.57 M"), (7e9, "7 G")]
)
def test_numbers_in_three_digits(number, told):
    assert plots.brief(number) == told
