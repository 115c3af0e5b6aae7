"""Tiny models with random weights, one of each architecture that people tune; and one technique tried on one."""

from pathlib import Path

from tiny_model import write_tiny_tokenizer

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


def try_technique(technique, base, dataset, folder: Path) -> str:
    """Tune a few steps, save, load, ask: "yes" if the loss fell and both answer alike; else why it was blocked.

    Raises:
        AssertionError: it runs, and does not learn or does not come back as it was.
    """
    import numpy as np

    from tailor.machine import find_machine
    from tailor.progress import Log

    config = technique.Config(**settings_for(technique))
    if problems := technique.find_blockers(config, dataset, base, find_machine()):
        return problems[0]
    scores = []
    prompts = [dataset.prompt(example) for example in dataset.validation[:2]]

    def measure(model) -> dict[str, float]:
        scores.append(model.score_choices(prompts, dataset.labels))
        return {"accuracy": 0.0}

    figures = technique.fit(base, dataset, config, folder, seed=1, log=Log(), measure=measure)
    losses = [point["value"] for point in figures["curves"]["validation loss"]]
    assert min(losses) < losses[0], f"the loss did not fall: {losses}"
    again = technique.load(base, dataset, folder).score_choices(prompts, dataset.labels)
    kept = scores[losses.index(min(losses))]
    assert np.allclose(again, kept, rtol=0.02, atol=0.6), f"loaded, it answers otherwise: {again} and {kept}"
    return "yes"


def settings_for(technique) -> dict:
    """A few quick steps at a rate that moves what the technique trains."""
    values = {"max_steps": 6, "epochs": 20, "effective_batch_size": 8, "rows_at_once": 8, "evaluations": 3}
    values |= {"warmup_share": 0.0, "patience": 0, "learning_rate": RATES.get(technique.name, 0.01)}
    return values


RATES = {
    "prompt_tuning": 0.3,
    "prefix_tuning": 0.3,
    "ia3": 0.1,
    "layer_norm": 0.05,
    "head_only": 0.03,
    "setfit": 0.003,
}
RATES |= {"full": 0.003, "layerwise": 0.003, "transfer": 0.003, "domain_adaptive": 0.003}
