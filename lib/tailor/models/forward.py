"""Running a model economically: number format, and the head only where its output is needed."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any, Literal

Precision = Literal["auto", "fp32", "bf16"]
ATTENTION_BYTES = 2**30  # that plain attention may keep for the backward pass


def autocast(device: Any, precision: Precision = "auto"):
    """A context in which matrix products run in bf16 where that is faster ("auto"), always, or never."""
    import torch

    if precision == "auto":
        precision = "bf16" if _bf16_is_fast(device.type) else "fp32"
    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.type, torch.bfloat16)


def _bf16_is_fast(kind: str) -> bool:
    import torch

    from tailor.machine import find_machine

    return torch.cuda.is_bf16_supported() if kind == "cuda" else kind == "cpu" and find_machine().fast_bf16


@contextmanager
def quick_attention(model: Any, rows: int, tokens: int) -> Iterator[None]:
    """Inside the block, a model that is trained in bf16 on a CPU computes its attention by plain matrix products.

    torch's fused attention is made for long texts: with bf16 on a CPU, forward and backward took 41 ms for 64 rows of
    16 tokens (12 heads of 32), plain products 4 ms; 22 against 12 ms for 8 rows of 160 tokens (5 heads of 64). Plain
    products keep every weight of attention (about 8 bytes), so they are taken while these have room.

    Args:
        rows, tokens: of the largest batch.
    """
    inner = next((m for m in model.modules() if hasattr(m, "set_attn_implementation")), None)
    if inner is None or not _plain_attention_pays(inner, rows, tokens):
        yield
        return
    inner.set_attn_implementation("eager")
    try:
        yield
    finally:
        inner.set_attn_implementation("sdpa")


def _plain_attention_pays(model: Any, rows: int, tokens: int) -> bool:
    if model.config._attn_implementation != "sdpa" or not model._can_set_attn_implementation():
        return False
    device, shape = next(model.parameters()).device.type, model.config.get_text_config()
    heads, layers = (getattr(shape, name, 64) for name in ("num_attention_heads", "num_hidden_layers"))
    kept = 8 * rows * heads * tokens**2 * layers
    return device == "cpu" and _bf16_is_fast(device) and kept <= ATTENTION_BYTES


def split_head(model: Any) -> tuple[Any, Any] | None:
    """The model's body and its linear head, if head(body(x)) are the model's logits; None where they are not.

    Some architectures scale or cap their logits, and prompt learning puts vectors before the input: for these the
    plain forward must be used. That is not looked up in a list but tried, once, on a few tokens.

    Returns:
        body: (input_ids, attention_mask, ...) -> object with last_hidden_state [b, t, d].
        head: torch.nn.Linear from d to the vocabulary.
    """
    if (known := getattr(model, "_tailor_split", "untried")) == "untried":
        known = _try_split(model)
        model._tailor_split = known and _Pair(*known)
    return known and (known[0], known[1])


class _Pair(tuple):
    """A tuple, so that torch does not register the two modules a second time under the model."""

    def __new__(cls, *modules: Any) -> "_Pair":
        return super().__new__(cls, modules)


def _try_split(model: Any) -> tuple[Any, Any] | None:
    import torch

    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    body = getattr(inner, getattr(inner, "base_model_prefix", "") or "model", None)
    head = inner.get_output_embeddings() if hasattr(inner, "get_output_embeddings") else None
    if body is None or type(head) is not torch.nn.Linear:
        return None
    training = model.training
    model.eval()
    try:
        with torch.inference_mode():
            ids = torch.arange(8, device=head.weight.device)[None] % head.out_features
            whole = model(input_ids=ids, use_cache=False).logits
            parts = head(body(input_ids=ids, use_cache=False).last_hidden_state)
    except (TypeError, ValueError, AttributeError, RuntimeError):
        return None
    finally:
        model.train(training)
    same = whole.shape == parts.shape and torch.allclose(whole, parts, rtol=1e-4, atol=1e-4)
    return (body, head) if same else None
