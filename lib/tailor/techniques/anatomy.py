"""What a technique trains, counted: the base model as it is trained, part by part, on torch's "meta" device.

There weights have a shape and no numbers, so a model of any size is looked at in a moment and without its memory.
"""

from collections.abc import Iterator
from typing import Any

from tailor.models.catalog import ModelSource
from tailor.models.parts import blocks_of, norms_of
from tailor.records import NetworkPart
from tailor.techniques.base import Technique, TechniqueConfig

INPUT, OUTPUT = "input", "output"
PROMPT = "prompt"
"""The part that stands before the text: virtual tokens, a prefix, or plain words."""
PARTS = (PROMPT, "embedding", "attention", "feed-forward", "norms", "head")

Place = tuple[str, str]
"""(layer, part)."""


def anatomy(
    technique: Technique, config: TechniqueConfig, base: ModelSource, labels: list[str]
) -> list[NetworkPart]:
    """The parts of the base model in the order in which a text passes them, with what the technique trains of each.

    Args:
        labels: an encoder's head has an output for each.

    Raises:
        WorkbenchError: the base model's config cannot be read.
    """
    from tailor.models.loading import load_outline

    encoder = base.architecture == "encoder"
    model = load_outline(base, task="classify" if encoder else "respond", labels=labels)
    places, writes = dict(places_of(model)), model.get_output_embeddings() is not None
    counted: dict[Place, NetworkPart] = {}
    if technique.changes_weights:
        model = technique.prepare(model, config, base)
    else:
        model.requires_grad_(False)
        counted[INPUT, PROMPT] = _empty((INPUT, PROMPT))
    for weight in model.parameters():
        if place := places.get(id(weight)):
            part = counted.setdefault(place, _empty(place))
            part.numbers += weight.numel()
            part.trained += weight.numel() if weight.requires_grad else 0
    for place, numbers, trained in _new(model, places):
        part = counted.setdefault(place, _empty(place))
        part.new += numbers if trained else 0
        part.numbers += 0 if trained else numbers  # AdaLoRA keeps each matrix's rank as a weight
    if writes:
        counted.setdefault((OUTPUT, "head"), _empty((OUTPUT, "head")))  # it may share the embedding's numbers
    order = [INPUT, *(name for name, _ in _layers(model)), OUTPUT]
    return sorted(counted.values(), key=lambda part: (order.index(part.layer), PARTS.index(part.part)))


def trained_numbers(parts: list[NetworkPart]) -> int:
    """How many numbers training changes, those put in included."""
    return sum(part.trained + part.new for part in parts)


def all_numbers(parts: list[NetworkPart]) -> int:
    """How many numbers there are, those put in included."""
    return sum(part.numbers + part.new for part in parts)


def _empty(place: Place) -> NetworkPart:
    return NetworkPart(layer=place[0], part=place[1], numbers=0, trained=0, new=0)


def _layers(model: Any) -> Iterator[tuple[str, Any]]:
    """The layers with their names, in order; an encoder-decoder has two rows of them."""
    if not getattr(model.config, "is_encoder_decoder", False):
        yield from ((f"layer {n}", block) for n, block in enumerate(blocks_of(model), 1))
        return
    for side in ("encoder", "decoder"):
        blocks = blocks_of(getattr(model, f"get_{side}")())
        yield from ((f"{side} layer {n}", block) for n, block in enumerate(blocks, 1))


def places_of(model: Any) -> Iterator[tuple[int, Place]]:
    """Where each of the model's own weights stands, by the weight's id."""
    norms = {id(weight) for norm in norms_of(model) for weight in norm.parameters()}
    inside = {}
    for layer, block in _layers(model):
        for name, weight in block.named_parameters():
            inside[id(weight)] = (layer, "norms" if id(weight) in norms else _part(name))
    embeddings = {id(weight) for weight in model.get_input_embeddings().parameters()}
    for name, weight in model.named_parameters():
        if id(weight) in inside:
            yield id(weight), inside[id(weight)]
        elif id(weight) in embeddings or "embed" in name.lower():
            yield id(weight), (INPUT, "embedding")
        else:
            yield id(weight), (OUTPUT, "norms" if id(weight) in norms else "head")


def _new(model: Any, known: dict[int, Place]) -> Iterator[tuple[Place, int, bool]]:
    """What a technique put in: inside a layer by its name there, else before the text; a prefix is read by every
    layer's attention, and PEFT trains a copy of an encoder's head."""
    layers, seen = list(_layers(model)), set(known)
    for layer, block in layers:
        for name, weight in block.named_parameters():
            if id(weight) not in seen:
                yield (layer, _part(name)), weight.numel(), weight.requires_grad
                seen.add(id(weight))
    prefix = {id(w) for m in model.modules() if type(m).__name__ == "PrefixEncoder" for w in m.parameters()}
    for name, weight in model.named_parameters():
        if id(weight) in prefix:
            for number, (layer, _) in enumerate(layers):
                yield (layer, "attention"), (weight.numel() + number) // len(layers), True
        elif id(weight) not in seen:
            head = name == "head" or "modules_to_save" in name
            yield (OUTPUT, "head") if head else (INPUT, PROMPT), weight.numel(), True


def _part(name: str) -> str:
    """Attention is told from the feed-forward part by its name, as in `tailor.techniques.bottleneck`."""
    return "attention" if "att" in name.lower() else "feed-forward"
