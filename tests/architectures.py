"""Tiny models with random weights, one of each architecture that people tune; and one technique tried on one."""

from dataclasses import replace
from pathlib import Path

from small_project import make_project
from tiny_model import write_tiny_tokenizer

from tailor.data.dataset import Dataset
from tailor.machine import find_machine
from tailor.progress import Log
from tailor.techniques import TECHNIQUES

_USUAL = {
    "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 2, "max_position_embeddings": 256, "initializer_range": 0.2,
}  # fmt: skip
_OLD = {"n_embd": 32, "n_layer": 2, "n_head": 2, "n_positions": 256, "initializer_range": 0.2}
_ENCODER = {key: value for key, value in _USUAL.items() if key != "num_key_value_heads"}

# model type -> what differs from the usual sizes
DECODERS: dict[str, dict] = {
    "llama": _USUAL,
    "mistral": _USUAL | {"sliding_window": None},
    "qwen2": _USUAL,
    "qwen3": _USUAL | {"head_dim": 16},
    "gemma": _USUAL | {"head_dim": 16},
    "gemma2": _USUAL | {"head_dim": 16, "query_pre_attn_scalar": 16},
    "phi3": _USUAL,
    "gpt2": _OLD,
    "gpt_neox": _ENCODER,
    "opt": _ENCODER | {"ffn_dim": 64, "word_embed_proj_dim": 32},
    "bloom": {"hidden_size": 32, "n_layer": 2, "n_head": 2, "initializer_range": 0.2},
    "falcon": _ENCODER | {"num_kv_heads": 2, "new_decoder_architecture": True},
    "olmo2": _USUAL,
    "mixtral": _USUAL | {"num_local_experts": 2, "num_experts_per_tok": 2, "sliding_window": None},
    "granite": _USUAL,
    "smollm3": _USUAL,
}
ENCODERS: dict[str, dict] = {
    "bert": _ENCODER,
    "roberta": _ENCODER | {"max_position_embeddings": 600},
    "distilbert": {"dim": 32, "hidden_dim": 64, "n_layers": 2, "n_heads": 2, "max_position_embeddings": 256},
    "deberta-v2": _ENCODER | {"relative_attention": True, "pos_att_type": ["p2c", "c2p"]},
    "modernbert": _ENCODER | {"global_attn_every_n_layers": 1},
    "electra": _ENCODER | {"embedding_size": 32},
}
WRITERS: dict[str, dict] = {
    "t5": {"d_model": 32, "d_kv": 16, "d_ff": 64, "num_layers": 2, "num_heads": 2},
    "bart": {
        "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 2,
        "decoder_attention_heads": 2, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64,
        "max_position_embeddings": 256, "init_std": 0.2,
    },
}  # fmt: skip
ARCHITECTURES = {**DECODERS, **ENCODERS, **WRITERS}
TRAINING = [name for name, technique in TECHNIQUES.items() if technique.changes_weights]


def write_architecture(name: str, folder: Path) -> Path:
    """Write a random model of the architecture and its tokenizer; returns the folder."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM

    tokenizer = write_tiny_tokenizer(folder)
    torch.manual_seed(0)
    ids = {"pad_token_id": tokenizer.pad_token_id, "eos_token_id": tokenizer.eos_token_id}
    ids |= {"bos_token_id": tokenizer.eos_token_id}
    if name in WRITERS:
        ids |= {"decoder_start_token_id": tokenizer.pad_token_id}
    config = AutoConfig.for_model(name, vocab_size=len(tokenizer), **ARCHITECTURES[name] | ids)
    kind = AutoModelForCausalLM if name in DECODERS else AutoModelForMaskedLM
    model = (AutoModelForSeq2SeqLM if name in WRITERS else kind).from_config(config)
    model.save_pretrained(folder)
    return folder


def tasks_of_rows() -> Dataset:
    """Eight rows with two system prompts, which are validated on what they train on: whether it learns is asked."""
    dataset = Dataset.open(make_project(Path(), "classify", rows=4))
    dataset.train[1::2] = [replace(row, system="Sort what customers write.") for row in dataset.train[1::2]]
    dataset.validation = dataset.train
    return dataset


def blocked(technique, base, dataset) -> str:
    """Why a technique cannot run on a model, in its own words; empty where it can."""
    return next(iter(technique.find_blockers(technique.Config(), dataset, base, find_machine())), "")


def try_technique(technique, base, dataset, folder: Path, **settings) -> None:
    """Tune a few steps, save, load, ask.

    Raises:
        AssertionError: it runs, and does not learn or does not come back as it was.
    """
    import numpy as np

    config = technique.Config(**settings_for(technique, base) | settings)
    assert technique.find_blockers(config, dataset, base, find_machine()) == []
    scores, prompts = [], [dataset.prompt(example) for example in dataset.validation[:2]]

    def measure(model) -> dict[str, float]:
        scores.append(model.score_choices(prompts, dataset.labels))
        return {"accuracy": 0.0}

    figures = technique.fit(base, dataset, config, folder, seed=1, log=Log(), measure=measure)
    losses = [point["value"] for point in figures["curves"]["validation loss"]]
    assert min(losses) < losses[0], f"the loss did not fall: {losses}"
    again = technique.load(base, dataset, folder).score_choices(prompts, dataset.labels)
    kept = scores[losses.index(min(losses))]
    assert np.allclose(again, kept, rtol=0.02, atol=0.6), f"loaded, it answers otherwise: {again} and {kept}"


def settings_for(technique, base) -> dict:
    """A few quick steps at a rate that moves what the technique trains."""
    rates = RATES | (ENCODER_RATES if base.architecture == "encoder" else {})
    values = {"max_steps": 6, "epochs": 20, "effective_batch_size": 8, "rows_at_once": 8, "evaluations": 3}
    return values | {"warmup_share": 0.0, "patience": 0, "learning_rate": rates.get(technique.name, 0.01)}


RATES = dict.fromkeys(("prompt_tuning", "multitask_prompt", "prefix_tuning"), 0.3)
RATES |= dict.fromkeys(
    ("full", "layerwise", "transfer", "domain_adaptive", "setfit", "encoder_classifier"), 0.003
)
RATES["larc"] = 0.3  # what begins at zero has no size to be held to, and takes this rate
RATES["encoder_classifier"] = 0.001  # its labels' directions learn thirty times faster
RATES |= {"ia3": 0.1, "layer_norm": 0.05, "head_only": 0.03, "adalora": 0.05}
# a new head learns at the same rate
ENCODER_RATES = dict.fromkeys(("prompt_tuning", "multitask_prompt", "bottleneck"), 0.003)

HEAD = """# Techniques and architectures

Which technique tunes which kind of model. Each "yes" was tried: a tiny model of the architecture with random weights
is tuned for six steps; the loss must fall, and the saved model must answer as the one that was measured. A number
stands for the sentence with which the technique says that it cannot run. Techniques that only prompt run on every
model that writes.

This page is made by `python benchmarks/architectures.py`, which tries every pair; a test compares the page with what
the techniques say, and tries each architecture and each technique at least once.

"""


def page(why: dict[tuple[str, str], str]) -> str:
    """docs/architectures.md.

    Args:
        why: (architecture, technique) -> why it cannot run, empty for "yes".
    """
    sentences: list[str] = []
    lines = ["| architecture | " + " | ".join(TRAINING) + " |", "|---|" + "---|" * len(TRAINING)]
    for name in ARCHITECTURES:
        cells = []
        for technique in TRAINING:
            sentence = why[name, technique].replace(name, "The model", 1)
            if sentence and sentence not in sentences:
                sentences.append(sentence)
            cells.append(str(sentences.index(sentence) + 1) if sentence else "yes")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    notes = "".join(f"{number}. {sentence}\n" for number, sentence in enumerate(sentences, 1))
    return HEAD + "\n".join(lines) + "\n\n" + notes


def sample(why: dict[tuple[str, str], str]) -> list[tuple[str, str]]:
    """For each architecture the technique that was chosen least so far, of those that run."""
    chosen: list[tuple[str, str]] = []
    for name in ARCHITECTURES:
        free = [technique for technique in TRAINING if not why[name, technique]]
        chosen.append((name, min(free, key=[technique for _, technique in chosen].count)))
    return chosen
