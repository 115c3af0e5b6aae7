"""Weights kept in 4 bits by bitsandbytes: the options that transformers needs, and what makes it exact on a CPU."""

from typing import Any

from tailor.errors import WorkbenchError
from tailor.models.catalog import ModelSource


def four_bit_options(source: ModelSource, labels: list[str] | None, device: str) -> dict[str, Any]:
    """Options of `from_pretrained` that round every linear layer but the head to 4 bits (NF4, scales rounded too).

    Source: Dettmers et al. 2023, QLoRA, section 3.

    Raises:
        WorkbenchError: bitsandbytes is not installed, or does not work on this machine.
    """
    import torch
    from transformers import BitsAndBytesConfig

    _check_bitsandbytes()
    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.float32,  # autocast goes lower where that is faster
        llm_int8_skip_modules=_new_head(source, labels) if labels else None,
    )
    return {"quantization_config": config, "device_map": {"": device}}


def keep_trainable(model: Any) -> None:
    """Stop bitsandbytes from repacking weights at the first answer: they could not be trained on afterwards, and
    would be rounded once more."""
    for module in model.modules():
        if hasattr(module, "support_avx512bf16_for_cpu"):
            module.support_avx512bf16_for_cpu = False


def _new_head(source: ModelSource, labels: list[str]) -> list[str]:
    """The layers that no file holds: they are drawn at random, and random numbers have nothing to be rounded to."""
    from tailor.models.loading import load_outline
    from tailor.models.parts import new_head_modules

    return new_head_modules(load_outline(source, task="classify", labels=labels))


def _check_bitsandbytes() -> None:
    import logging

    logging.getLogger("bitsandbytes").setLevel(
        logging.ERROR
    )  # it tells of kernels that nobody here can install
    try:
        import bitsandbytes  # noqa: F401
    except Exception as error:  # a missing package, or a library that does not fit the machine
        raise WorkbenchError(
            f"bitsandbytes cannot be used ({str(error).strip().splitlines()[0]})",
            "bitsandbytes, which keeps weights in 4 bits",
            "pip install 'tailor-workbench[qlora]', or choose lora",
        ) from error
