"""P-tuning: virtual tokens predicted by a small network while training, which is thrown away afterwards."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from tailor.data.dataset import Dataset
from tailor.machine import Machine
from tailor.models.catalog import ModelSource
from tailor.models.language_model import LanguageModel
from tailor.progress import Log
from tailor.settings import setting
from tailor.techniques.base import LearnsFrom, Measure
from tailor.techniques.prompt_tuning import (
    SoftPromptConfig,
    fit_soft_prompt,
    load_soft_prompt,
    soft_prompt_blockers,
    with_virtual_tokens,
)
from tailor.training.settings import TrainingConfig

if TYPE_CHECKING:
    import torch

LIU = "Liu et al. 2021, GPT Understands, Too"


class PTuningConfig(SoftPromptConfig):
    """The prompt encoder, and how it is trained."""

    learning_rate: float = setting(
        0.01,
        "How far each step moves the prompt encoder's weights. Large models want less (0.001 and below).",
        log=True,
        gt=0.0,
        le=1.0,
        source="searched on the bundled models, docs/defaults.md",
    )
    encoder: Literal["mlp", "lstm"] = setting(
        "mlp",
        "The network that predicts the virtual tokens: 'mlp' each by itself, 'lstm' each in view of its neighbours. "
        "It is needed while training only.",
        source=f"{LIU}, section 3.2 (LSTM and MLP)",
    )
    encoder_width: int = setting(
        256, "Width of the prompt encoder's hidden layers.", unit="numbers", ge=8, le=4096, advanced=True
    )


class PTuning:
    name: ClassVar[str] = "p_tuning"
    title: ClassVar[str] = "P-tuning"
    source: ClassVar[str] = f"{LIU}, section 3"
    summary: ClassVar[str] = (
        "Like prompt tuning, but a small network predicts the virtual tokens while training, which steadies it. "
        "Afterwards they are computed once and kept in a prompt table; the network is thrown away."
    )
    costs: ClassVar[str] = "As prompt tuning; while training there is a small network more."
    wins: ClassVar[str] = "Prompt tuning learns unsteadily or depends on where the virtual tokens begin."
    loses: ClassVar[str] = (
        "Wherever prompt tuning does: what is kept in the end is the same few virtual tokens."
    )
    changes_weights: ClassVar[bool] = True
    merges: ClassVar[bool] = False
    learns_from: ClassVar[LearnsFrom] = "prompt-completion"
    Config: ClassVar[type[TrainingConfig]] = PTuningConfig

    def find_blockers(
        self, config: PTuningConfig, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        return soft_prompt_blockers(self, config, dataset, base, machine)

    def trained(self, config: PTuningConfig, base: ModelSource) -> int:
        from tailor.training.estimate import shape_of

        return config.virtual_tokens * shape_of(base).width

    def prepare(self, model: Any, config: PTuningConfig, base: ModelSource) -> Any:
        def make_source(first: "torch.Tensor") -> Any:
            return prompt_encoder(first, config.encoder, config.encoder_width)

        return with_virtual_tokens(model, config, make_source)

    def fit(
        self,
        base: ModelSource,
        dataset: Dataset,
        config: PTuningConfig,
        out_dir: Path,
        *,
        seed: int,
        log: Log,
        measure: Measure | None = None,
    ) -> dict:
        def make_source(first: "torch.Tensor") -> Any:
            return prompt_encoder(first, config.encoder, config.encoder_width)

        return fit_soft_prompt(
            base, dataset, config, out_dir, make_source, seed=seed, log=log, measure=measure
        )

    def load(self, base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
        return load_soft_prompt(base, dataset, out_dir)


def prompt_encoder(first: "torch.Tensor", kind: str, width: int) -> Any:
    """PEFT's prompt encoder, whose prediction is added to the first values: it starts where prompt tuning does.

    Args:
        first: [n, d] where the virtual tokens begin.
    """
    import torch
    from peft import PromptEncoder, PromptEncoderConfig

    class Predicted(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            size, depth = first.shape
            self.encoder = PromptEncoder(
                PromptEncoderConfig(
                    num_virtual_tokens=size,
                    token_dim=depth,
                    num_transformer_submodules=1,
                    encoder_reparameterization_type=kind.upper(),
                    encoder_hidden_size=width,
                )
            )
            last = self.encoder.mlp_head[-1]
            torch.nn.init.zeros_(last.weight)
            torch.nn.init.zeros_(last.bias)
            self.register_buffer("first", first.clone().float())
            self.register_buffer("numbers", torch.arange(size))

        def forward(self) -> "torch.Tensor":
            # in fp32: the sum with the first values would lose the small steps in bf16
            with torch.autocast(self.first.device.type, enabled=False):
                return self.first + self.encoder(self.numbers[None])[0]

    return Predicted()
