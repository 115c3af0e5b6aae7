"""Transfer: tuning goes on from a model that was already tuned for another task, instead of from the base model."""

from pathlib import Path
from typing import Any, ClassVar

from tailor.data.dataset import Dataset
from tailor.errors import WorkbenchError
from tailor.machine import Machine
from tailor.models.catalog import ModelSource, resolve
from tailor.models.language_model import LanguageModel
from tailor.progress import Log
from tailor.settings import setting
from tailor.techniques.base import LearnsFrom, Measure
from tailor.techniques.domain_adaptive import save_with_tokenizer
from tailor.techniques.full import as_language_model, fit_weights, load_base, tuning_blockers
from tailor.training.settings import TrainingConfig

PHANG = "Phang et al. 2018, Sentence Encoders on STILTs"


class TransferConfig(TrainingConfig):
    """Which model is gone on from, and how."""

    learning_rate: float = setting(
        5e-4,
        "How far each step moves the weights. Less than from the base model: what the other task taught should stay.",
        log=True,
        gt=0.0,
        le=1.0,
    )
    from_model: str = setting(
        "",
        "The folder of a model tuned for another task: what 11_deploy of that project exported "
        "(outputs/<project>/export/model).",
    )


class Transfer:
    name: ClassVar[str] = "transfer"
    title: ClassVar[str] = "Transfer from a tuned model"
    source: ClassVar[str] = f"{PHANG}, section 2"
    summary: ClassVar[str] = (
        "Goes on from a model that was tuned for a task like this one, with more rows than you have. Wins with few "
        "rows and a near task; a far one can do harm, which the comparison in 10 shows."
    )
    costs: ClassVar[str] = "As full fine-tuning, and the model of the other task has to be there."
    wins: ClassVar[str] = "Another task of the same kind had many rows, and yours has few."
    loses: ClassVar[str] = "The other task is unlike yours: what it taught stands in the way."
    changes_weights: ClassVar[bool] = True
    merges: ClassVar[bool] = True
    learns_from: ClassVar[LearnsFrom] = "prompt-completion"
    Config: ClassVar[type[TrainingConfig]] = TransferConfig

    def find_blockers(
        self, config: TransferConfig, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        found = tuning_blockers(self, config, dataset, base, machine)
        try:
            other = tuned_model(config)
        except WorkbenchError as error:
            return [*found, f"{error.found.rstrip('.')}. {error.fix}"]
        if other and other.architecture != base.architecture:
            found.append(f"{other.name} is of another kind ({other.architecture}) than {base.name}.")
        return found

    def trained(self, config: TransferConfig, base: ModelSource) -> int:
        return base.parameters or 0

    def prepare(self, model: Any, config: TransferConfig, base: ModelSource) -> Any:
        return model

    def fit(
        self,
        base: ModelSource,
        dataset: Dataset,
        config: TransferConfig,
        out_dir: Path,
        *,
        seed: int,
        log: Log,
        measure: Measure | None = None,
    ) -> dict:
        other = tuned_model(config) or base

        def save(model: Any, folder: Path, base_name: str) -> None:
            save_with_tokenizer(model, folder, base_name, other)

        figures = fit_weights(
            other, dataset, config, out_dir, lambda m: m, seed=seed, log=log, measure=measure, save=save
        )
        return {**figures, "notes": [f"Went on from {config.from_model or base.name}.", *figures["notes"]]}

    def load(self, base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
        source = resolve(str(out_dir / "model"))
        return as_language_model(load_base(source, dataset), source, dataset)


def tuned_model(config: TransferConfig) -> ModelSource | None:
    """The model that is gone on from; None where none is named, and the base model is.

    Raises:
        WorkbenchError: the folder is not there or holds no model.
    """
    from tailor.project import resolve_path

    return resolve(str(resolve_path(config.from_model))) if config.from_model else None
