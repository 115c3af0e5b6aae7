"""Loading: what comes out is ready to use, and damage is named before anything is computed with it."""

import shutil

import pytest
from tiny_model import write_tiny_model

from tailor.errors import WorkbenchError
from tailor.models import catalog, load_model, load_tokenizer
from tailor.models.bundled import check_files, sha256, write_sums
from tailor.models.catalog import resolve


@pytest.fixture
def bundled_copy(tmp_path, monkeypatch):
    """A writable copy of tailor-mini in place of the bundled folder."""
    shutil.copytree(catalog.BUNDLED_FOLDER / "tailor-mini", tmp_path / "models" / "tailor-mini")
    monkeypatch.setattr(catalog, "BUNDLED_FOLDER", tmp_path / "models")
    return tmp_path / "models" / "tailor-mini"


def test_a_bundled_model_writes_text():
    import torch

    model, tokenizer = load_model("tailor-mini"), load_tokenizer("tailor-mini")
    ids = tokenizer("Once upon a time", return_tensors="pt")
    out = model.generate(**ids, max_new_tokens=8, do_sample=False)
    assert model.dtype == torch.float32
    assert not model.training
    assert len(tokenizer.decode(out[0])) > len("Once upon a time")
    assert (tokenizer.padding_side, tokenizer.pad_token) == ("left", "<|pad|>")


def test_loading_takes_under_a_second():
    import time

    load_model("tailor-base")  # imports transformers' Llama, which is slower than reading the weights
    begun = time.process_time()
    load_model("tailor-base")
    assert time.process_time() - begun < 1.0


def test_the_same_answer_alone_and_in_a_padded_batch():
    model, tokenizer = load_model("tailor-mini"), load_tokenizer("tailor-mini")
    texts = ["The sun", "The old man looked at the sea and said that"]
    alone = [
        model.generate(**tokenizer(t, return_tensors="pt"), max_new_tokens=6, do_sample=False)[0]
        for t in texts
    ]
    batch = model.generate(
        **tokenizer(texts, padding=True, return_tensors="pt"), max_new_tokens=6, do_sample=False
    )
    assert [r[-6:].tolist() for r in batch] == [a[-6:].tolist() for a in alone]


def test_a_classifier_has_one_output_per_label(tmp_path):
    folder = write_tiny_model(tmp_path / "m")
    model = load_model(folder, task="classify", labels=["no", "yes", "maybe"])
    assert model.config.id2label == {0: "no", 1: "yes", 2: "maybe"}
    assert model.score.out_features == 3
    assert model.config.pad_token_id is not None


def test_a_damaged_bundled_file_is_named(bundled_copy):
    path = bundled_copy / "model.safetensors"
    right = sha256(path)
    with open(path, "r+b") as file:
        file.seek(1_000_000)
        byte = file.read(1)
        file.seek(1_000_000)
        file.write(bytes([byte[0] ^ 1]))
    wrong = sha256(path)
    with pytest.raises(WorkbenchError) as caught:
        load_model("tailor-mini")
    assert str(caught.value) == (
        "Found: model.safetensors of the bundled model tailor-mini is damaged: its SHA-256 begins with "
        f"{wrong[:12]}.\n"
        f"Needed: the file whose SHA-256 begins with {right[:12]}, as SHA256SUMS says.\n"
        "Do: Restore the folder: git checkout -- data/models/tailor-mini"
    )


def test_a_missing_bundled_file_is_named(bundled_copy):
    (bundled_copy / "tokenizer.json").unlink()
    with pytest.raises(WorkbenchError) as caught:
        load_tokenizer("tailor-mini")
    assert str(caught.value) == (
        "Found: tokenizer.json of the bundled model tailor-mini is missing.\n"
        "Needed: every file that SHA256SUMS in the model's folder names.\n"
        "Do: Restore the folder: git checkout -- data/models/tailor-mini"
    )


def test_sums_cover_every_file_but_the_card(bundled_copy):
    (bundled_copy / "README.md").write_text("card")
    write_sums(bundled_copy)
    names = {line.split("  ")[1] for line in (bundled_copy / "SHA256SUMS").read_text().splitlines()}
    assert names == {p.name for p in bundled_copy.iterdir()} - {"README.md", "SHA256SUMS"}
    check_files(resolve("tailor-mini"))


def test_pickled_weights_are_refused(tmp_path):
    import torch

    folder = write_tiny_model(tmp_path / "m")
    (folder / "model.safetensors").unlink()
    torch.save({}, folder / "pytorch_model.bin")
    with pytest.raises(WorkbenchError) as caught:
        load_model(folder)
    assert str(caught.value).splitlines()[1:] == [
        "Needed: weights as .safetensors that are there and whole.",
        f"Do: Put whole files into {folder}: config.json, model.safetensors, tokenizer.json.",
    ]


def test_a_cut_off_weights_file_is_refused(tmp_path):
    folder = write_tiny_model(tmp_path / "m")
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WorkbenchError, match="the weights of m can't be loaded"):
        load_model(folder)


def test_classify_needs_labels(tmp_path):
    with pytest.raises(WorkbenchError) as caught:
        load_model(write_tiny_model(tmp_path / "m"), task="classify")
    assert str(caught.value) == (
        "Found: m was asked to classify, without labels.\n"
        "Needed: the list of labels, in the order of the outputs.\n"
        "Do: Give labels=[...]."
    )


def test_an_unknown_task(tmp_path):
    with pytest.raises(WorkbenchError) as caught:
        load_model(write_tiny_model(tmp_path / "m"), task="sing")
    assert str(caught.value) == (
        "Found: the task 'sing'.\nNeeded: 'respond', 'classify', 'embed' or 'fill'.\nDo: Give one of these as the task."
    )
