"""Base models: which there are (`catalog`), how they are loaded (`loading`), and what speaks for one at run time.

>>> from tailor.models import list_models, load_model, load_tokenizer, resolve
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from tailor.models.catalog import ModelSource, list_models, resolve

if TYPE_CHECKING:
    from tailor.models.loading import encode_chat, load_model, load_tokenizer

logging.getLogger("bitsandbytes").setLevel(
    logging.ERROR
)  # where it is installed, it tells of kernels on the hub

__all__ = ["ModelSource", "encode_chat", "list_models", "load_model", "load_tokenizer", "resolve"]


def __getattr__(name: str):
    """Import the loading functions when they are first asked for: listing models must not wait for transformers."""
    if name in ("encode_chat", "load_model", "load_tokenizer"):
        from tailor.models import loading

        return getattr(loading, name)
    raise AttributeError(f"module 'tailor.models' has no attribute {name!r}")
