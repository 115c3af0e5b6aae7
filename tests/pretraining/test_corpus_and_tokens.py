"""Corpus, tokenizer, mixture: what is held out stays out, and the same seed gives the same rows."""

import gzip

import numpy as np
import pytest

from tailor.errors import WorkbenchError
from tailor.pretraining.corpus import hold_out, read_corpus, read_documents
from tailor.pretraining.packing import BLOCK, Mixture, write_tokens
from tailor.pretraining.tokenizer import CONTROL_TOKENS, sample_pieces, train_tokenizer


def documents(count: int, length: int = 400) -> list[str]:
    return [f"Document {n}. " + f"word{n} " * (length // 7) for n in range(count)]


@pytest.fixture(scope="module")
def tokenizer():
    return train_tokenizer(documents(60), vocabulary=400, context=64)


def test_documents_are_read_in_order_plain_or_compressed(tmp_path):
    text = "one\n<|endoftext|>\n\n<|endoftext|>\ntwo\nlines\n<|endoftext|>\n"
    (tmp_path / "a.txt").write_text(text)
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(text.encode()))
    assert (
        read_documents(tmp_path / "a.txt") == read_documents(tmp_path / "b.txt.gz") == ["one", "two\nlines"]
    )
    assert [s.name for s in read_corpus(tmp_path)] == ["a", "b"]


def test_held_out_documents_are_whole_few_and_always_the_same():
    given = documents(300)
    training, held_out = hold_out(given)
    assert sorted(training + held_out) == sorted(given)
    assert 0.02 <= sum(map(len, held_out)) / sum(map(len, given)) <= 0.12
    again = hold_out(given[::-1])
    assert (sorted(again[0]), sorted(again[1])) == (sorted(training), sorted(held_out))


def test_a_copy_of_a_held_out_document_is_held_out_too():
    given = documents(50)
    _, held_out = hold_out(given)
    training, again = hold_out([*given, held_out[0]])
    assert held_out[0] not in training
    assert again.count(held_out[0]) == 1


def test_a_single_document_gives_its_end():
    text = "\n\n".join(documents(40))
    training, held_out = hold_out([text])
    assert text.startswith(training[0])
    assert text.strip().endswith(held_out[0])
    assert 0 < len(held_out[0]) < 0.2 * len(text)


def test_a_missing_or_empty_folder_is_named(tmp_path):
    with pytest.raises(WorkbenchError) as caught:
        read_corpus(tmp_path / "none")
    assert str(caught.value) == (
        f"Found: {tmp_path / 'none'} is not a folder.\n"
        "Needed: a folder with one UTF-8 text file per source, documents separated by a line <|endoftext|>.\n"
        "Do: Give the folder that holds your text files."
    )
    with pytest.raises(WorkbenchError, match=r"holds no \.txt or \.txt\.gz file"):
        read_corpus(tmp_path)


def test_a_cut_off_archive_is_named(tmp_path):
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"text" * 1000)[:-9])
    with pytest.raises(WorkbenchError, match=r"a\.txt\.gz can't be read as text"):
        read_corpus(tmp_path)


@pytest.mark.parametrize(
    "text", ["", " ", "a\n\n b", "12,345.6", "Ünïcode 日本 🙂", "<|user|> and <|end|>", "\x00\x7f"]
)
def test_every_text_comes_back_as_it_was(tokenizer, text):
    ids = tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
    assert tokenizer.decode(ids) == text
    assert not set(ids) & set(tokenizer.all_special_ids)


def test_digits_stand_alone_and_control_tokens_come_first(tokenizer):
    assert tokenizer.tokenize("1984") == ["1", "9", "8", "4"]
    assert tokenizer.convert_tokens_to_ids(list(CONTROL_TOKENS)) == list(range(len(CONTROL_TOKENS)))


def test_the_same_text_gives_the_same_tokenizer(tokenizer):
    again = train_tokenizer(documents(60), vocabulary=400, context=64)
    assert again.get_vocab() == tokenizer.get_vocab()


def test_the_sample_takes_from_every_document():
    pieces = list(sample_pieces(documents(10, 4000), most_characters=10_000, piece=500))
    assert sum(map(len, pieces)) == 10_000
    assert {piece.split(".")[0] for piece in pieces if piece.startswith("Document")} == {
        f"Document {n}" for n in range(10)
    }


def test_tokens_on_disk_are_documents_closed_by_the_end_token(tokenizer, tmp_path):
    count = write_tokens(tmp_path / "a.bin", ["one <|user|>", "two"], tokenizer)
    ids = np.fromfile(tmp_path / "a.bin", dtype=np.uint16)
    assert len(ids) == count
    assert tokenizer.decode(ids) == "one <|user|><|endoftext|>two<|endoftext|>"
    assert list(ids).count(tokenizer.eos_token_id) == 2


def streams() -> dict[str, np.ndarray]:
    return {"large": np.arange(20 * BLOCK, dtype=np.uint16), "small": np.arange(3 * BLOCK, dtype=np.uint16)}


def test_targets_are_the_inputs_moved_by_one():
    inputs, targets = Mixture(streams(), seed=1).batch(0, 6, 128)
    assert inputs.shape == targets.shape == (6, 128)
    assert (inputs[:, 1:] == targets[:, :-1]).all()


def test_a_resumed_mixture_goes_on_where_it_was():
    whole = Mixture(streams(), seed=3)
    rows = [whole.batch(step, 4, 256)[0] for step in range(12)]
    first = Mixture(streams(), seed=3)
    for step in range(5):
        first.batch(step, 4, 256)
    second = Mixture(streams(), seed=3)
    second.tokens_taken.update(first.tokens_taken)
    assert all((second.batch(step, 4, 256)[0] == rows[step]).all() for step in range(5, 12))


def test_a_source_is_used_up_before_it_repeats():
    mixture = Mixture({"large": streams()["large"]}, seed=2)
    starts = np.concatenate([mixture.batch(step, 6, BLOCK)[0][:, 0] for step in range(3)])
    assert len(set(starts.tolist())) == 18


def test_seen_is_what_was_drawn():
    mixture = Mixture({"large": streams()["large"]}, seed=2)
    drawn = {row[0] for step in range(2) for row in mixture.batch(step, 4, BLOCK)[0].tolist()}
    assert {int(run[0]) for run in mixture.seen("large")} == drawn


def test_small_sources_get_more_than_their_size():
    mixture = Mixture(streams(), seed=1)
    shares = dict(zip(mixture.names, mixture.shares, strict=True))
    assert 3 / 23 < shares["small"] < 0.5
    weighted = Mixture(streams(), seed=1, weights={"small": 0.0})
    assert dict(zip(weighted.names, weighted.shares, strict=True))["small"] == 0
