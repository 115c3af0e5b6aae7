"""Replayed text: what the base model writes, learned along with the rows; the same seed writes the same."""

from tailor.data.dataset import Example
from tailor.models.loading import load_model, load_tokenizer
from tailor.progress import Log
from tailor.training.objectives import LearnAnswers
from tailor.training.replay import REPLAYED, replayed


def test_the_model_writes_what_it_learns_again(base):
    model, tokenizer = load_model(base), load_tokenizer(base)
    texts = replayed(model, tokenizer, 10, 0.55, seed=1, log=Log())
    assert len(texts) == 6
    assert texts == replayed(model, tokenizer, 10, 0.55, seed=1, log=Log())
    assert texts != replayed(model, tokenizer, 10, 0.55, seed=2, log=Log())
    assert {row.source for row in texts} == {REPLAYED}


def test_replayed_text_is_learned_from_its_first_token(base, dataset):
    tokenizer = load_tokenizer(base)
    row = LearnAnswers(tokenizer, dataset).encode(Example("replay:1", "", "ab <|end|>", source=REPLAYED))
    assert row["labels"] == row["input_ids"]
    assert row["input_ids"][0] == tokenizer.eos_token_id
    assert (
        tokenizer.decode(row["input_ids"][1:]) == "ab <|end|>"
    )  # what looks like a control token stays text
    assert tokenizer.eos_token_id not in row["input_ids"][1:]


def test_a_run_says_that_text_was_replayed(fit):
    _, figures = fit("lora", replay_share=0.25)
    assert (
        "4 texts that the base model wrote were learned along with the rows, against forgetting."
        in figures["notes"]
    )


def test_only_decoders_replay(tmp_path, dataset):
    from tiny_model import write_tiny_encoder

    from tailor.machine import find_machine
    from tailor.models.catalog import resolve
    from tailor.techniques import TECHNIQUES

    encoder = resolve(str(write_tiny_encoder(tmp_path / "encoder")))
    technique = TECHNIQUES["full"]
    found = technique.find_blockers(technique.Config(replay_share=0.2), dataset, encoder, find_machine())
    assert found == ["encoder is an encoder: only a decoder writes text to replay. Set replay_share to 0."]
