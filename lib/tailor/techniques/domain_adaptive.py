"""Domain pre-training: the model first reads raw text of the domain, with words of its own, then learns the task."""

import json
import shutil
from pathlib import Path
from typing import Any, ClassVar

from tailor.data.dataset import Dataset
from tailor.files import write_json
from tailor.machine import Machine
from tailor.models.catalog import ModelSource, resolve
from tailor.models.language_model import LanguageModel
from tailor.progress import Log
from tailor.settings import setting
from tailor.techniques.base import LearnsFrom, Measure
from tailor.techniques.full import as_language_model, fit_weights, load_base, tuning_blockers
from tailor.training.settings import TrainingConfig

GURURANGAN = "Gururangan et al. 2020, Don't Stop Pretraining"
STAGE, FIGURES = ".domain", "figures.json"
MOST_BYTES = 500_000_000  # of one text file: more is pre-training, not adapting


class DomainAdaptiveConfig(TrainingConfig):
    """What is read first, which words become tokens, and how both stages are trained."""

    learning_rate: float = setting(
        1e-3, "How far each step of the second stage moves the weights.", log=True, gt=0.0, le=1.0
    )
    texts: list[str] = setting(
        [],
        "Text files of the domain to read first (.txt or .md; a blank line ends a passage). Empty: the questions and "
        "answers of the training rows themselves.",
        source=f"{GURURANGAN}, sections 3 and 4 (domain text, and the task's own)",
    )
    domain_epochs: float = setting(
        1.0,
        "How often the text is read before the task is learned.",
        unit="passes over the text",
        gt=0.0,
        le=100.0,
    )
    domain_learning_rate: float = setting(
        1e-3, "How far each step moves the weights while the text is read.", log=True, gt=0.0, le=1.0
    )
    new_words: int = setting(
        100,
        "Words of the domain that become tokens of their own, at most: those that the tokenizer cuts into pieces and "
        "that occur most; the glossary's first. 0 leaves the tokenizer as it is.",
        unit="words",
        ge=0,
        le=5000,
        source="Gee et al. 2022, Fast Vocabulary Transfer for Language Model Compression, section 3",
    )


class DomainAdaptive:
    name: ClassVar[str] = "domain_adaptive"
    title: ClassVar[str] = "Domain pre-training, then full fine-tuning"
    source: ClassVar[str] = f"{GURURANGAN}, section 3"
    summary: ClassVar[str] = (
        "Lets the model read raw text of the domain before it learns the task, and gives the domain's words tokens of "
        "their own. Worth it with much text and few solved rows; takes longest and forgets most."
    )
    costs: ClassVar[str] = (
        "Two trainings, of which reading the text is usually the longer; a file as large as the model."
    )
    wins: ClassVar[str] = (
        "There is much raw text of the domain, with words the base model never saw, and few solved rows."
    )
    loses: ClassVar[str] = "The domain's language is everyday language, or what the model knew must stay."
    changes_weights: ClassVar[bool] = True
    merges: ClassVar[bool] = True
    learns_from: ClassVar[LearnsFrom] = "prompt-completion"
    Config: ClassVar[type[TrainingConfig]] = DomainAdaptiveConfig

    def find_blockers(
        self, config: DomainAdaptiveConfig, dataset: Dataset, base: ModelSource, machine: Machine
    ) -> list[str]:
        found = tuning_blockers(self, config, dataset, base, machine)
        if base.architecture == "encoder-decoder":
            found.append(
                f"{base.name} is an encoder-decoder: reading plain text is offered for decoders and encoders."
            )
        return found

    def trained(self, config: DomainAdaptiveConfig, base: ModelSource) -> int:
        return base.parameters or 0

    def prepare(self, model: Any, config: DomainAdaptiveConfig, base: ModelSource) -> Any:
        return model

    def fit(
        self,
        base: ModelSource,
        dataset: Dataset,
        config: DomainAdaptiveConfig,
        out_dir: Path,
        *,
        seed: int,
        log: Log,
        measure: Measure | None = None,
    ) -> dict:
        stage = out_dir / STAGE
        if not (stage / FIGURES).exists():
            write_json(stage / FIGURES, read_domain(base, dataset, config, stage, seed=seed, log=log))
        first = json.loads((stage / FIGURES).read_text(encoding="utf-8"))
        between = resolve(str(stage / "model"))

        def save(model: Any, folder: Path, base_name: str) -> None:
            save_with_tokenizer(model, folder, base_name, between)

        figures = fit_weights(
            between, dataset, config, out_dir, lambda m: m, seed=seed, log=log, measure=measure, save=save
        )
        (stage / FIGURES).unlink()  # first, for a killed run takes a stage with figures for whole
        shutil.rmtree(stage)
        curves = {f"domain text: {name}": points for name, points in first["curves"].items()}
        return {
            **figures,
            "curves": {**figures["curves"], **curves},
            "notes": [*first["notes"], *figures["notes"]],
        }

    def load(self, base: ModelSource, dataset: Dataset, out_dir: Path) -> LanguageModel:
        source = resolve(str(out_dir / "model"))
        return as_language_model(load_base(source, dataset), source, dataset)


def read_domain(
    base: ModelSource, dataset: Dataset, config: DomainAdaptiveConfig, stage: Path, *, seed: int, log: Log
) -> dict[str, Any]:
    """First stage: `stage`/model is the base model after reading, with its tokenizer.

    Returns:
        curves and notes.
    """
    from transformers import set_seed

    from tailor.models.loading import load_model, load_tokenizer
    from tailor.models.vocabulary import add_words, words_to_add
    from tailor.training.domain_text import LearnHidden, LearnText, TextRows
    from tailor.training.run import train

    set_seed(seed)
    encoder = base.architecture == "encoder"
    tokenizer = load_tokenizer(base)
    model = load_model(base, task="fill") if encoder else load_model(base)
    texts = domain_texts(dataset, config.texts)
    found = words_to_add(tokenizer, texts, config.new_words, dataset.record.terms)
    added = add_words(model, tokenizer, [word for word, _, _ in found])
    rows = TextRows(texts, tokenizer, min(dataset.max_length, base.context or 512), seed)
    stage_config = config.model_copy(
        update={
            "learning_rate": config.domain_learning_rate,
            "epochs": config.domain_epochs,
            "max_steps": 0,
            "replay_share": 0.0,
        }
    )

    def save(model: Any, folder: Path, base_name: str) -> None:
        save_with_tokenizer(model, folder, base_name, base)
        tokenizer.save_pretrained(folder)

    objective = (LearnHidden if encoder else LearnText)(tokenizer)
    figures = train(
        model, objective, rows, stage_config, stage, base=base.name, seed=seed, log=log, save=save
    )
    saved = sum(times * (pieces - 1) for _, times, pieces in found)
    note = f"Read {len(rows.train):,} pieces of domain text first."
    if added:
        note += f" {len(added)} words became tokens of their own ({', '.join(added[:8])}...), which saves {saved:,} "
        note += "tokens in these texts."
    return {"curves": figures["curves"], "notes": [note]}


def save_with_tokenizer(model: Any, folder: Path, base_name: str, source: ModelSource) -> None:
    """The model and the tokenizer it was trained with, in one folder."""
    from tailor.models.loading import load_tokenizer
    from tailor.training.weights import save_model

    save_model(model, folder, base_name)
    load_tokenizer(source).save_pretrained(folder)


def domain_texts(dataset: Dataset, paths: list[str]) -> list[str]:
    """Passages of the files named, or the training rows' questions and answers.

    Raises:
        WorkbenchError: a file that is not there, or not text.
    """
    from tailor.data.readers.found import Limits
    from tailor.data.readers.text import read_text
    from tailor.project import resolve_path

    if not paths:
        return [text for example in dataset.train for text in (example.input, example.output)]
    passages = []
    for path in paths:
        file = resolve_path(path)
        text, _, _ = read_text(file, Limits(bytes=MOST_BYTES))
        passages += [passage for passage in text.split("\n\n") if passage.strip()]
    return passages
