"""Load a model and its tokenizer: safetensors only, no code from the model's folder, bundled files checked first.

Nothing here downloads unless the model is one of the hub's. Decoders are padded on the left, so that every row of a
batch ends where the answer begins.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tailor.errors import WorkbenchError
from tailor.models.bundled import check_files
from tailor.models.catalog import ModelSource, resolve
from tailor.models.chat import PLAIN_CHAT_TEMPLATE, EncodedChat, encode_chat, turn_end
from tailor.models.four_bit import four_bit_options, keep_trainable

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedModel, PreTrainedTokenizerBase

__all__ = ["PLAIN_CHAT_TEMPLATE", "EncodedChat", "encode_chat", "load_model", "load_tokenizer", "turn_end"]

Task = Literal["respond", "classify", "embed", "fill"]


def load_tokenizer(model: str | Path | ModelSource) -> PreTrainedTokenizerBase:
    """Return the tokenizer of a model, with a padding token, a side to pad on and a chat template for certain.

    A tokenizer without a chat template gets `PLAIN_CHAT_TEMPLATE`; one without a padding token pads with its
    end-of-text token (attention masks keep padding out of every sum).

    Raises:
        WorkbenchError: no such model, or its tokenizer files are missing or damaged.
    """
    source = resolve(model)
    check_files(source)
    try:
        tokenizer = _tokenizer_class(source).from_pretrained(source.location, trust_remote_code=False)
    except Exception as error:  # each tokenizer class fails in its own way
        raise _unreadable(source, "tokenizer", error) from error
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token or tokenizer.unk_token
    if source.architecture == "decoder":
        tokenizer.padding_side = "left"
    if source.architecture != "encoder" and not tokenizer.chat_template:
        tokenizer.chat_template = PLAIN_CHAT_TEMPLATE
    return tokenizer


def _tokenizer_class(source: ModelSource) -> type:
    """AutoTokenizer imports torch (five seconds) to learn which class it is; many folders say it in plain words."""
    import transformers

    config = source.folder and source.folder / "tokenizer_config.json"
    try:
        named = json.loads(config.read_text(encoding="utf-8")).get("tokenizer_class") if config else None
    except (OSError, ValueError, AttributeError):
        named = None
    plain = named in ("PreTrainedTokenizerFast", "TokenizersBackend")
    return transformers.PreTrainedTokenizerFast if plain else transformers.AutoTokenizer


def load_model(
    model: str | Path | ModelSource,
    *,
    task: Task = "respond",
    labels: list[str] | None = None,
    dtype: torch.dtype | None = None,
    device: str | None = None,
    four_bit: bool = False,
) -> PreTrainedModel:
    """Return the model in evaluation mode, in fp32 unless ``dtype`` says otherwise.

    Args:
        task: "respond" gives a language-model head, "classify" a fresh head with one output per label, "embed" none,
            "fill" the head that guesses an encoder's hidden tokens.
        labels: the label names, in the order of the outputs; needed for "classify".
        device: "cpu", "cuda", ...; by default the accelerator where there is one.
        four_bit: keep the linear layers' weights in 4 bits; needs bitsandbytes.

    Raises:
        WorkbenchError: no such model, damaged files, no labels, an encoder asked to respond, or no bitsandbytes.
    """
    import torch

    source = resolve(model)
    _check_task(source, task, labels)
    check_files(source)
    options: dict[str, Any] = {
        "dtype": dtype or torch.float32,
        "use_safetensors": True,
        "trust_remote_code": False,
    }
    if task == "classify":
        options |= {
            "num_labels": len(labels),
            "id2label": dict(enumerate(labels)),
            "label2id": {label: number for number, label in enumerate(labels)},
        }
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    if four_bit:
        options |= four_bit_options(source, labels, device)
    try:
        with without_bars():
            loaded = _model_class(source, task).from_pretrained(source.location, **options)
    except Exception as error:  # safetensors, transformers and torch each raise their own kinds
        raise _unreadable(source, "weights", error) from error
    _set_ends(loaded, source, task)
    if four_bit:
        keep_trainable(loaded)
    return loaded.eval().to(device)


def load_outline(
    model: str | Path | ModelSource, *, task: Task = "respond", labels: list[str] | None = None
) -> PreTrainedModel:
    """Return the model on torch's "meta" device: every weight has its shape and no numbers; only its config is read.

    Raises:
        WorkbenchError: no such model, a damaged config, no labels, or an encoder asked to respond.
    """
    import torch
    from transformers import AutoConfig

    source = resolve(model)
    _check_task(source, task, labels)
    try:
        config = AutoConfig.from_pretrained(source.location, trust_remote_code=False)
        if task == "classify":
            config.num_labels = len(labels)
        with torch.device("meta"):
            return _model_class(source, task).from_config(config, trust_remote_code=False)
    except Exception as error:  # transformers and torch each raise their own kinds
        raise _unreadable(source, "config", error) from error


@contextmanager
def without_bars() -> Iterator[None]:
    """No progress bar for a fraction of a second, and no report that a fresh head is fresh: classify asks for it."""
    from transformers.utils import logging

    bars, level = logging.is_progress_bar_enabled(), logging.get_verbosity()
    logging.disable_progress_bar()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _model_class(source: ModelSource, task: Task) -> type:
    import transformers

    if task in ("embed", "fill"):
        return transformers.AutoModel if task == "embed" else transformers.AutoModelForMaskedLM
    if task == "classify":
        return transformers.AutoModelForSequenceClassification
    if source.architecture == "encoder-decoder":
        return transformers.AutoModelForSeq2SeqLM
    return transformers.AutoModelForCausalLM


def _set_ends(model: PreTrainedModel, source: ModelSource, task: Task) -> None:
    """Give the model the ids that it needs: what padding is, and where an answer stops."""
    if model.config.pad_token_id is None:
        model.config.pad_token_id = load_tokenizer(source).pad_token_id
    if (
        task == "respond"
        and model.generation_config is not None
        and model.generation_config.pad_token_id is None
    ):
        model.generation_config.pad_token_id = model.config.pad_token_id


def _check_task(source: ModelSource, task: str, labels: list[str] | None) -> None:
    if task not in ("respond", "classify", "embed", "fill"):
        raise WorkbenchError(
            found=f"the task {task!r}.",
            needed="'respond', 'classify', 'embed' or 'fill'.",
            fix="Give one of these as the task.",
        )
    if task == "classify" and not labels:
        raise WorkbenchError(
            found=f"{source.name} was asked to classify, without labels.",
            needed="the list of labels, in the order of the outputs.",
            fix="Give labels=[...].",
        )
    if task == "respond" and source.architecture == "encoder":
        raise WorkbenchError(
            found=f"{source.name} is an encoder: it reads text and writes none.",
            needed="a decoder or an encoder-decoder for the task 'respond'.",
            fix="Choose 'tailor-base', or set the task to 'classify'.",
        )


def _unreadable(source: ModelSource, what: str, error: Exception) -> WorkbenchError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if source.kind == "hub":
        fix = "Connect to the network and run this again, or choose a bundled model such as 'tailor-base'."
    else:
        fix = f"Put whole files into {source.location}: config.json, model.safetensors, tokenizer.json."
    needed = {
        "tokenizer": "tokenizer files",
        "config": "settings in config.json",
        "weights": "weights as .safetensors",
    }
    return WorkbenchError(
        found=f"the {what} of {source.name} can't be loaded: {reason}",
        needed=f"{needed[what]} that are there and whole.",
        fix=fix,
    )
