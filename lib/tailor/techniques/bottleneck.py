"""Bottleneck adapters: small two-layer networks after each layer's parts; the model's own weights stay frozen."""

from functools import partial
from pathlib import Path
from typing import Any, ClassVar, Literal

from tailor.data.dataset import Dataset
from tailor.machine import Machine
from tailor.models.catalog import ModelSource
from tailor.models.language_model import LanguageModel
from tailor.models.parts import blocks_of, is_linear, new_head, out_features
from tailor.progress import Log
from tailor.settings import setting
from tailor.techniques.base import LearnsFrom, Measure
from tailor.techniques.full import as_language_model, fit_weights, load_base, tuning_blockers
from tailor.techniques.last_layers import TRAINED, save_part
from tailor.training.settings import TrainingConfig

HOULSBY = "Houlsby et al. 2019, Parameter-Efficient Transfer Learning for NLP"
PFEIFFER = "Pfeiffer et al. 2021, AdapterFusion: Non-Destructive Task Composition for Transfer Learning"
SHAPE = "bottleneck.json"


class BottleneckConfig(TrainingConfig):
    """How wide the adapters are, where they stand, and how they are trained."""

    learning_rate: float = setting(
        5e-3,
        "How far each step moves the adapters' weights.",
        log=True,
        gt=0.0,
        le=1.0,
        source="searched on the bundled models, docs/defaults.md",
    )
    width: int = setting(
        32,
        "Numbers between the adapter's two layers. More can hold more and makes the file larger.",
        unit="numbers",
        ge=1,
        le=1024,
        source=f"{HOULSBY}, section 3.6 (8, 64 and 256 do about as well)",
    )
    placement: Literal["houlsby", "pfeiffer"] = setting(
        "pfeiffer",
        "'houlsby': after attention and after the feed-forward part of each layer. 'pfeiffer': after the feed-forward "
        "part alone: half the size, about as good.",
        source=f"{PFEIFFER}, section 3.2 and appendix A.1",
    )


class Bottleneck:
    name: ClassVar[str] = "bottleneck"
    title: ClassVar[str] = "Bottleneck adapters"
    source: ClassVar[str] = f"{HOULSBY}, section 2.1"
    summary: ClassVar[str] = (
        "Puts a small network after each layer's parts and trains nothing else. Like LoRA in size and quality; it "
        "cannot be merged into the weights, so each answer takes a little longer."
    )
    costs: ClassVar[str] = (
        "Like LoRA while training. It cannot be merged, so each answer passes through the small networks too."
    )
    wins: ClassVar[str] = "Several tasks are kept apart on one base model, each with its own adapters."
    loses: ClassVar[str] = "Every millisecond of answering counts; LoRA of that size answers faster."
    changes_weights: ClassVar[bool] = True
    merges: ClassVar[bool] = False
    learns_from: ClassVar[LearnsFrom] = "prompt-completion"
    Config: ClassVar[type[TrainingConfig]] = BottleneckConfig

    def find_blockers(
        self, config: BottleneckConfig, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        from tailor.training.estimate import shape_of

        found = tuning_blockers(self, config, dataset, base, machine)
        if shape_of(base).experts:
            found.append(
                f"{base.name} is a mixture of experts, whose weights stand in one block: no linear layer ends there "
                "that an adapter could follow. Choose lora."
            )
        return found

    def trained(self, config: BottleneckConfig, base: ModelSource) -> int:
        from tailor.training.estimate import shape_of

        shape, places = shape_of(base), 2 if config.placement == "houlsby" else 1
        return shape.layers * places * (2 * shape.width * config.width + shape.width + config.width)

    def prepare(self, model: Any, config: BottleneckConfig, base: ModelSource) -> Any:
        return with_bottlenecks(model, config.width, config.placement)

    def fit(
        self,
        base: ModelSource,
        dataset: Dataset,
        config: BottleneckConfig,
        out_dir: Path,
        *,
        seed: int,
        log: Log,
        measure: Measure | None = None,
    ) -> dict:
        from tailor.files import write_json

        prepare = partial(self.prepare, config=config, base=base)

        def save(model: Any, folder: Path, base_name: str) -> None:
            save_part(model, folder, base_name)
            write_json(folder / SHAPE, {"width": config.width, "placement": config.placement})

        return fit_weights(
            base, dataset, config, out_dir, prepare, seed=seed, log=log, measure=measure, save=save
        )

    def load(self, base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
        from tailor.training.weights import overlay

        folder = out_dir / "model"
        shape = read_shape(folder / SHAPE)
        model = with_bottlenecks(load_base(base, dataset), shape.width, shape.placement)
        overlay(model, folder / TRAINED, base.name)
        return as_language_model(model, base, dataset)


def read_shape(path: Path) -> BottleneckConfig:
    """Width and placement as they were saved.

    Raises:
        WorkbenchError: the file is missing or damaged.
    """
    import json

    from tailor.errors import WorkbenchError

    try:
        return BottleneckConfig(**json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise WorkbenchError(
            f"{path} cannot be read ({str(error).splitlines()[0]})",
            "the adapters' shape as tuning wrote it",
            "run 07_tune again",
        ) from error


def with_bottlenecks(model: Any, width: int, placement: str) -> Any:
    """The model with fresh adapters, everything else but an encoder's new head frozen.

    Raises:
        WorkbenchError: the layers are built in a way that shows no place for adapters.
    """
    from tailor.errors import WorkbenchError

    model.requires_grad_(False)
    size = model.config.get_text_config().hidden_size
    found = 0
    for block in blocks_of(model):
        for name in places(block, size, placement):
            _follow(block.get_submodule(name), size, width)
            found += 1
    if not found:
        raise WorkbenchError(
            f"{type(model).__name__} is built in a way that shows no place for bottleneck adapters",
            "layers whose parts end in a linear layer of the model's width",
            "choose LoRA, which needs none",
        )
    for weight in new_head(model):
        weight.requires_grad_(True)
    return model


def places(block: Any, size: int, placement: str) -> list[str]:
    """Names of the linear layers in a block after which adapters stand: where a part writes its result of `size`.

    A part's result comes from its last linear layer that is as wide as the model. Attention is told from the
    feed-forward part by its name.
    """
    names = [n for n, m in block.named_modules() if is_linear(m) and out_features(m) == size]
    attention = [n for n in names if "att" in n.lower() or ".SelfAttention." in f".{n}"]
    forward = [n for n in names if n not in attention]
    ends = forward[-1:]
    return [*attention[-1:], *ends] if placement == "houlsby" else ends


def _follow(layer: Any, size: int, width: int) -> None:
    """Put an adapter after a layer: h + up(gelu(down(h))); `up` begins at zero, so at first nothing changes.

    The layer itself stays where it is, for some models look at its weight on their own.
    """
    import torch

    class Adapter(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down, self.up = torch.nn.Linear(size, width), torch.nn.Linear(width, size)
            torch.nn.init.zeros_(self.up.weight)
            torch.nn.init.zeros_(self.up.bias)

        def forward(self, states: torch.Tensor) -> torch.Tensor:
            return states + self.up(torch.nn.functional.gelu(self.down(states)))

    layer.add_module("bottleneck", Adapter())
    layer.register_forward_hook(lambda module, given, states: module.bottleneck(states))
