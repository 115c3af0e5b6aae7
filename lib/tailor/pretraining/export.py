"""Write a trained checkpoint as a model folder that transformers, PEFT, TRL, llama.cpp and vLLM load as it is."""

from __future__ import annotations

import shutil
from pathlib import Path

from tailor.models.bundled import write_sums
from tailor.pretraining.loop import Shape, build_model


def export_model(weights: Path, shape: Shape, tokenizer, folder: Path) -> None:
    """Write ``folder``: config, weights in bf16 (safetensors), generation settings, tokenizer, SHA256SUMS.

    An existing model card (README.md) is kept. The folder takes the old one's place only when it is complete.

    Args:
        weights: a checkpoint's ``weights.safetensors``, fp32.
    """
    import torch
    from safetensors.torch import load_file
    from transformers import GenerationConfig

    model = build_model(shape, seed=0, end_of_text=tokenizer.eos_token_id, pad=tokenizer.pad_token_id)
    model.load_state_dict(load_file(weights), strict=False)  # the output head is the embedding, stored once
    model.generation_config = GenerationConfig(
        bos_token_id=tokenizer.eos_token_id,
        eos_token_id=[tokenizer.convert_tokens_to_ids("<|end|>"), tokenizer.eos_token_id],
        pad_token_id=tokenizer.pad_token_id,
    )
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    model.to(torch.bfloat16).save_pretrained(new)
    (new / "model.safetensors").chmod(0o644)
    tokenizer.save_pretrained(new)
    if (folder / "README.md").exists():
        shutil.copy(folder / "README.md", new)
    write_sums(new)
    shutil.rmtree(folder, ignore_errors=True)
    new.rename(folder)
