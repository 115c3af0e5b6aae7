"""Which technique to propose: stated rules over rows, task, machine and baselines."""

from dataclasses import dataclass

from tailor.data.dataset import Dataset
from tailor.machine import Machine
from tailor.models.catalog import ModelSource
from tailor.techniques.base import Technique
from tailor.training.estimate import memory_gib, training_seconds
from tailor.training.settings import USUAL_PASSES, TrainingConfig

FEW_ROWS = 50  # below, prompting and more data usually bring more than tuning
FEW_A_LABEL = 50  # below, a sentence encoder learns more from pairs of rows than from the rows
BITS_PER_PARAMETER = (
    2.0  # what a weight can hold (Allen-Zhu and Li 2024, Physics of Language Models, part 3.3)
)
BITS_PER_TOKEN = 1.0  # new information in a learned token, roughly its loss after training


@dataclass(frozen=True)
class Option:
    """One technique that trains, as it would run here with its own defaults.

    Attributes:
        blocked: why it cannot run; empty where it can.
        seconds, gib: estimated from parameters and tokens.
        bytes: of what it leaves on disk.
        passes: how often each row is seen, where that goes by their number; else 0.
    """

    name: str
    title: str
    summary: str
    blocked: str
    seconds: float
    gib: float
    bytes: int
    passes: float


def weigh(
    techniques: dict[str, Technique], dataset: Dataset, base: ModelSource, machine: Machine
) -> dict[str, Option]:
    """Every technique that changes weights, with what it would take."""
    return {
        name: _weigh(technique, dataset, base, machine)
        for name, technique in techniques.items()
        if technique.changes_weights
    }


def _weigh(technique: Technique, dataset: Dataset, base: ModelSource, machine: Machine) -> Option:
    config: TrainingConfig = technique.Config()
    parameters = base.parameters or 0
    trained = technique.trained(config, base)
    share = trained / max(parameters, 1)
    split = dataset.record.splits["train"]
    passes = config.passes(split.rows)
    blocked = technique.find_blockers(config, dataset, base, machine)
    return Option(
        name=technique.name,
        title=technique.title,
        summary=technique.summary,
        blocked=" ".join(blocked),
        seconds=training_seconds(parameters, share, round(split.tokens * passes), machine),
        gib=memory_gib(parameters, share, config.rows_at_once, dataset.max_length, config.weight_bytes),
        bytes=4 * trained,
        passes=0.0 if config.epochs else passes,
    )


def propose(options: dict[str, Option], dataset: Dataset, base: ModelSource) -> tuple[str, list[str]]:
    """The technique to take, and the reasons in plain sentences; an empty name where none can run.

    For an encoder SetFit, and a fine-tuned sentence encoder where there are many rows of each label. Else LoRA, unless
    the rows hold more than its small matrices can: then full fine-tuning, where it can run.
    """
    split = dataset.record.splits["train"]
    reasons = [
        f"There are {split.rows:,} training rows with {split.learned_tokens:,} tokens to learn from.",
    ]
    if split.rows < FEW_ROWS:
        reasons.append(
            f"That is little: below about {FEW_ROWS} rows, better prompts and more rows usually bring more than tuning."
        )
    free = [name for name, option in options.items() if not option.blocked]
    if not free:
        return "", reasons
    name, why = _choose(free, options, dataset, base)
    if (passes := options[name].passes) > USUAL_PASSES:
        why.append(
            f"07 reads each row {passes:,.0f} times, because there are few: fewer steps would teach little."
        )
    return name, [*reasons, *why]


def _choose(
    free: list[str], options: dict[str, Option], dataset: Dataset, base: ModelSource
) -> tuple[str, list[str]]:
    split, reasons = dataset.record.splits["train"], []
    if "setfit" in free and "encoder_classifier" in free:
        return _for_encoder(split.rows, dataset)
    if dataset.task == "classify" and split.rows < FEW_A_LABEL * len(dataset.labels):
        reasons.append(
            f"Each label has about {split.rows / len(dataset.labels):,.0f} rows. From so few a sentence encoder "
            "usually learns more than a model that writes: compare base_model all-minilm-l6-v2 (the extra 'encoder') "
            "with setfit."
        )
    to_learn = split.learned_tokens * BITS_PER_TOKEN
    if "lora" in free:
        room = options["lora"].bytes / 4 * BITS_PER_PARAMETER
        if to_learn <= room or "full" not in free:
            reasons.append(_lora_reason(room, to_learn, options, base))
            return "lora", reasons
        reasons.append(
            f"The rows hold more (about {to_learn:,.0f} bits) than LoRA's matrices can ({room:,.0f} bits): "
            "every weight is needed."
        )
        return "full", reasons
    return free[0], [*reasons, f"{options[free[0]].title} is the first technique that can run here."]


def _for_encoder(rows: int, dataset: Dataset) -> tuple[str, list[str]]:
    each = rows / len(dataset.labels)
    said = f"The base model is an encoder, and each of the {len(dataset.labels)} labels has about {each:,.0f} rows: "
    if each < FEW_A_LABEL:
        return "setfit", [f"{said}with fewer than {FEW_A_LABEL}, pairs of rows teach it most."]
    return "encoder_classifier", [f"{said}enough to train its layers on the labels themselves."]


def _lora_reason(room: float, to_learn: float, options: dict[str, Option], base: ModelSource) -> str:
    small = options["lora"].bytes / 2**20
    if base.parameters and to_learn <= room:
        return (
            f"LoRA's small matrices have room for about {room / max(to_learn, 1):,.0f} times what the rows hold, and "
            f"leave a file of {small:.1f} MiB that can be taken off again. On a model as small as the bundled ones "
            "full fine-tuning may still learn faster: choose 'full' here to compare."
        )
    return "LoRA leaves the base model as it is, and a small file that can be taken off again."
