"""(IA)3: keys, values and the feed-forward layer are multiplied by learned vectors; the weights stay as they are."""

from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from tailor.data.dataset import Dataset
from tailor.machine import Machine
from tailor.models.catalog import ModelSource
from tailor.models.language_model import LanguageModel
from tailor.models.parts import blocks_of, is_linear
from tailor.progress import Log
from tailor.settings import setting
from tailor.techniques.base import LearnsFrom, Measure
from tailor.techniques.full import fit_weights, load_weights, tuning_blockers
from tailor.training.settings import TrainingConfig

LIU = (
    "Liu et al. 2022, Few-Shot Parameter-Efficient Fine-Tuning is Better and Cheaper than In-Context Learning"
)


class IA3Config(TrainingConfig):
    """How the vectors are trained."""

    learning_rate: float = setting(
        0.1,
        "How far each step moves the vectors, which begin at 1: they bear large steps.",
        log=True,
        gt=0.0,
        le=1.0,
        source=f"{LIU}, section 3.5 (3e-3 with Adafactor); searched on the bundled models, docs/defaults.md",
    )


class IA3:
    name: ClassVar[str] = "ia3"
    title: ClassVar[str] = "(IA)³"
    source: ClassVar[str] = f"{LIU}, section 3.3"
    summary: ClassVar[str] = (
        "Learns vectors that turn keys, values and the feed-forward layer's inner signals up or down. Far fewer "
        "numbers than LoRA, and good with few rows; it cannot add what the model does not have."
    )
    costs: ClassVar[str] = (
        "The least memory of all techniques that reach every layer. Merged, it costs nothing in answering."
    )
    wins: ClassVar[str] = "Rows are few (some dozens) and the base model can nearly do the task."
    loses: ClassVar[str] = (
        "The task is far from what the model knows: vectors turn signals up or down, they add none."
    )
    changes_weights: ClassVar[bool] = True
    merges: ClassVar[bool] = True
    learns_from: ClassVar[LearnsFrom] = "prompt-completion"
    Config: ClassVar[type[TrainingConfig]] = IA3Config

    def find_blockers(
        self, config: IA3Config, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        return tuning_blockers(self, config, dataset, base, machine)

    def trained(self, config: IA3Config, base: ModelSource) -> int:
        from tailor.training.estimate import shape_of

        shape = shape_of(base)
        return shape.layers * (2 * shape.width + shape.inner)

    def prepare(self, model: Any, config: IA3Config, base: ModelSource) -> Any:
        return with_vectors(model, base)

    def fit(
        self,
        base: ModelSource,
        dataset: Dataset,
        config: IA3Config,
        out_dir: Path,
        *,
        seed: int,
        log: Log,
        measure: Measure | None = None,
    ) -> dict:
        prepare = partial(self.prepare, config=config, base=base)
        return fit_weights(base, dataset, config, out_dir, prepare, seed=seed, log=log, measure=measure)

    def load(self, base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
        return load_weights(base, dataset, out_dir, adapter=True)


def with_vectors(model: Any, base: ModelSource) -> Any:
    """The model with fresh (IA)3 vectors, everything else frozen."""
    from peft import IA3Config as Settings
    from peft import get_peft_model

    from tailor.models.adapters import apart_from_head, quiet, task_type

    targets, feedforward = scaled_layers(model)
    settings = Settings(
        target_modules=[*targets, *feedforward],
        feedforward_modules=feedforward,
        task_type=task_type(base),
        **apart_from_head(model),
    )
    with quiet():
        return get_peft_model(model, settings)


def scaled_layers(model: Any) -> tuple[list[str], list[str]]:
    """Names of the linear layers whose output is scaled (keys and values), and whose input is (feed-forward).

    Found by what the layers of the models in transformers are called. Where keys and values come out of one layer
    with the queries, that layer is taken.
    """
    linear = [name for name, module in blocks_of(model)[0].named_modules() if is_linear(module)]
    short = {name.rsplit(".", 1)[-1]: name for name in linear}
    keys = ("k_proj", "v_proj", "key", "value", "k", "v", "key_proj", "value_proj", "k_lin", "v_lin")
    fused = ("c_attn", "query_key_value", "qkv_proj", "Wqkv", "attn.Wqkv", "in_proj")
    targets = [name for name in keys if name in short] or [name for name in fused if name in short]
    outer = ("down_proj", "c_proj", "fc2", "dense_4h_to_h", "wo", "w2", "lin2", "Wo", "fc_out")
    feedforward = [f"mlp.{name}" if f"mlp.{name}" in linear else name for name in outer if name in short]
    if not feedforward:
        feedforward = [name for name in linear if name.endswith("output.dense") and "attention" not in name]
    return targets, feedforward[:1]
