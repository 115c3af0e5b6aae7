"""Attention by plain products: only where it pays, with the same results, and undone afterwards."""

import pytest
import torch
from tiny_model import write_tiny_encoder, write_tiny_model

from tailor.models import forward
from tailor.models.forward import quick_attention
from tailor.models.loading import load_model


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    return [
        load_model(str(write_tiny_model(folder / "tiny"))),
        load_model(str(write_tiny_encoder(folder / "encoder")), task="embed"),
    ]


def test_the_same_comes_out_and_the_old_way_comes_back(models, monkeypatch):
    monkeypatch.setattr(forward, "_bf16_is_fast", lambda kind: True)
    ids, mask = torch.arange(5, 17).view(2, 6), torch.tensor([[1] * 6, [1, 1, 1, 0, 0, 0]])
    for model in models:
        before = model(input_ids=ids, attention_mask=mask)[0]
        with quick_attention(model, rows=2, tokens=6):
            assert model.config._attn_implementation == "eager"
            inside = model(input_ids=ids, attention_mask=mask)[0]
        assert model.config._attn_implementation == "sdpa"
        real = mask.bool()
        assert torch.allclose(before[real], inside[real], atol=1e-4)


def test_long_batches_and_other_number_formats_keep_the_fused_kernel(models, monkeypatch):
    monkeypatch.setattr(forward, "_bf16_is_fast", lambda kind: True)
    # 2 heads and 2 layers, 8 bytes a weight of attention: 64 rows of 724 tokens are the last within a GiB
    for tokens, way in ((724, "eager"), (725, "sdpa")):
        with quick_attention(models[0], rows=64, tokens=tokens):
            assert models[0].config._attn_implementation == way
    monkeypatch.setattr(forward, "_bf16_is_fast", lambda kind: False)
    with quick_attention(models[0], rows=1, tokens=8):
        assert models[0].config._attn_implementation == "sdpa"


def test_a_model_that_is_none_of_transformers_passes_through():
    with quick_attention(torch.nn.Linear(2, 2), rows=1, tokens=1):
        pass
