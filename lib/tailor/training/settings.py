"""The settings that every technique which trains shares; each technique sets its own defaults."""

from typing import Any, ClassVar

from tailor.settings import setting
from tailor.techniques.base import TechniqueConfig

USUAL_PASSES, MOST_PASSES = 3, 40


def least_steps_setting(steps: int) -> Any:
    """The field `least_steps` with a technique's own default: what is frozen for the most part learns slowly."""
    return setting(
        steps,
        "With epochs 0: few rows are seen again until so many steps are taken, but no row more often than "
        f"{MOST_PASSES} times.",
        unit="steps",
        ge=0,
        advanced=True,
        source="searched on the bundled models, docs/defaults.md",
    )


class TrainingConfig(TechniqueConfig):
    """How training goes, whatever is trained."""

    weight_bytes: ClassVar[float] = 4.0  # of the base model in memory, for each of its weights

    learning_rate: float = setting(
        5e-4,
        "How far each step moves the weights. Too low learns little in the time given; too high and the loss jumps "
        "or becomes infinite.",
        log=True,
        gt=0.0,
        le=1.0,
    )
    learning_rate_test: bool = setting(
        False,
        "Before training, try rates from a hundredth of learning_rate to a hundred times it in 40 short steps on your "
        "own rows, and train with the one the curve speaks for. The weights are put back after the test.",
        source="Smith 2017, Cyclical Learning Rates for Training Neural Networks, section 3.3",
    )
    epochs: float = setting(
        0.0,
        "How often every training row is seen. More fits the rows better, and in the end learns them by heart. 0 goes "
        f"by their number: {USUAL_PASSES} times, and more often where that would be fewer than least_steps.",
        unit="passes over the training rows",
        ge=0.0,
        le=100.0,
    )
    least_steps: int = least_steps_setting(300)
    max_steps: int = setting(
        0, "Stop after this many steps, whatever epochs says; 0 sets no limit.", unit="steps", ge=0
    )
    effective_batch_size: int = setting(
        8,
        "Rows that share one step. More gives steadier and fewer steps; with few rows, many steps matter more.",
        unit="rows",
        ge=1,
        le=1024,
        source="Schulman et al. 2025, LoRA Without Regret, section on batch size (small ones suit LoRA)",
    )
    rows_at_once: int = setting(
        8,
        "Rows that go through the model together: memory grows with it, the result does not change. The effective "
        "batch is gathered from as many of these as it takes.",
        unit="rows",
        ge=1,
        le=256,
        advanced=True,
    )
    warmup_share: float = setting(
        0.05,
        "Share of the steps during which the learning rate rises from zero.",
        unit="share of steps",
        ge=0.0,
        le=0.5,
        advanced=True,
        source="Goyal et al. 2017, Accurate, Large Minibatch SGD, section 2.2",
    )
    schedule: str = setting(
        "cosine",
        "How the learning rate falls after warming up: 'cosine' or 'linear' down to zero, 'constant' not at all.",
        advanced=True,
        pattern="^(cosine|linear|constant)$",
    )
    weight_decay: float = setting(
        0.0, "Pulls weights towards zero with each step.", ge=0.0, le=1.0, advanced=True
    )
    max_grad_norm: float = setting(
        1.0,
        "A step's gradient is scaled down to this length, so that one odd batch cannot throw training off.",
        gt=0.0,
        le=100.0,
        advanced=True,
        source="Pascanu et al. 2013, On the difficulty of training recurrent neural networks, section 3.2",
    )
    evaluations: int = setting(
        6,
        "How many times validation loss and the task's metric are measured on the way.",
        unit="times",
        ge=1,
        le=200,
    )
    patience: int = setting(
        3,
        "Stop early when the validation loss has not fallen for this many evaluations; 0 never stops early. The "
        "weights of the lowest validation loss are kept in either case.",
        unit="evaluations",
        ge=0,
        source="Prechelt 1998, Early Stopping - But When?, section 2",
    )
    validation_rows: int = setting(
        100,
        "At most this many validation rows are used for the measurements on the way; 0 uses all.",
        unit="rows",
        ge=0,
        advanced=True,
    )
    metric_rows: int = setting(
        32,
        "At most this many validation rows are answered for the task's metric on the way; 0 measures the loss alone. "
        "Few rows make a rough figure, many take time.",
        unit="rows",
        ge=0,
        advanced=True,
    )
    replay_share: float = setting(
        0.0,
        "Texts that the base model writes itself before training, and learns again along with your rows, for each row: "
        "against forgetting. 0.2 adds one to every five rows. Decoders only.",
        unit="texts per row",
        ge=0.0,
        le=5.0,
        advanced=True,
        source="Sun et al. 2020, LAMOL (sampling ratios of 0.05 and 0.2)",
    )
    checkpoint_seconds: float = setting(
        60.0,
        "A checkpoint is written this often; a killed run goes on from the last one.",
        unit="seconds",
        ge=0.0,
        le=86400.0,
        advanced=True,
    )

    def passes(self, rows: int) -> float:
        """How often every training row is seen: `epochs`, or by the number of rows where that is 0."""
        wanted = self.least_steps * self.effective_batch_size / max(rows, 1)
        return self.epochs or min(max(USUAL_PASSES, wanted), MOST_PASSES)
