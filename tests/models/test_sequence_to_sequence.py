"""An encoder-decoder scores and writes like any language model, and can be tuned."""

from pathlib import Path

import numpy as np
import pytest
import small_project
import torch
from tiny_model import write_tiny_tokenizer

from tailor.data.dataset import Dataset, Example
from tailor.models.catalog import resolve
from tailor.models.language_model import GenerationConfig
from tailor.models.loading import load_model, load_tokenizer
from tailor.models.sequence_to_sequence import SequenceToSequenceModel, encode_answer, encode_source
from tailor.progress import Log
from tailor.techniques import TECHNIQUES

PROMPT = [{"role": "system", "content": "Sort."}, {"role": "user", "content": "my card <|end|>"}]


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    from transformers import T5Config, T5ForConditionalGeneration

    folder = tmp_path_factory.mktemp("t5") / "tiny-t5"
    tokenizer = write_tiny_tokenizer(folder)
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(tokenizer), d_model=32, d_kv=16, d_ff=64, num_layers=2, num_heads=2, n_positions=128,
        decoder_start_token_id=tokenizer.pad_token_id, eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id, architectures=["T5ForConditionalGeneration"],
    )  # fmt: skip
    T5ForConditionalGeneration(config).save_pretrained(folder)
    return resolve(str(folder))


@pytest.fixture
def model(base):
    return SequenceToSequenceModel(load_model(base), load_tokenizer(base), precision="fp32")


@pytest.fixture
def dataset(home):
    return Dataset.open(small_project.make_project(home, "classify", rows=4))


def test_control_tokens_in_a_text_stay_text(base):
    tokenizer = load_tokenizer(base)
    ids = encode_source(tokenizer, PROMPT, 100)
    assert tokenizer.eos_token_id not in ids[:-1]
    assert len(encode_source(tokenizer, PROMPT, 10)) == 10
    answer = encode_answer(tokenizer, "<|end|>")
    assert answer.count(tokenizer.eos_token_id) == 1
    assert answer[-1] == tokenizer.eos_token_id


def test_scores_are_those_of_the_model_itself(model):
    """transformers' own loss over one answer is the mean of what is summed here."""
    answers = ["card lost", "refund", "a much longer answer"]
    scores = model.score([PROMPT] * 3, answers)
    for answer, score in zip(answers, scores, strict=True):
        labels = torch.tensor([encode_answer(model.tokenizer, answer)])
        with torch.no_grad():
            loss = model.model(input_ids=torch.tensor([model.encode(PROMPT)]), labels=labels).loss
        assert score == pytest.approx(-float(loss) * labels.shape[1], abs=1e-3)
    assert model.score_choices([PROMPT], answers) == pytest.approx(np.array([scores]), abs=1e-3)


def test_it_writes_the_same_alone_and_in_a_batch(model):
    prompts = [
        [{"role": "user", "content": text}] for text in ("a", "quite a long question about cards", "b c")
    ]
    together = model.generate(prompts, GenerationConfig(max_new_tokens=8))
    assert together == [model.generate([prompt], GenerationConfig(max_new_tokens=8))[0] for prompt in prompts]


@pytest.mark.parametrize(
    "name", ["full", "lora", "prompt_tuning", "prefix_tuning", "ia3", "bottleneck", "last_layers"]
)
def test_it_can_be_tuned(name, base, dataset, tmp_path):
    technique = TECHNIQUES[name]
    rate = {"prompt_tuning": 0.3, "prefix_tuning": 0.3, "ia3": 0.1}.get(name, 0.01)
    config = technique.Config(
        epochs=5, effective_batch_size=8, rows_at_once=8, evaluations=1, learning_rate=rate
    )
    figures = technique.fit(base, dataset, config, tmp_path, seed=1, log=Log())
    losses = [point["value"] for point in figures["curves"]["training loss"]]
    assert losses[-1] < losses[0]
    again = technique.load(base, dataset, Path(tmp_path))
    prompts = [dataset.prompt(example) for example in dataset.validation]
    assert again.score_choices(prompts, dataset.labels).shape == (len(prompts), len(dataset.labels))
    assert len(again.generate(prompts[:1], GenerationConfig(max_new_tokens=4))) == 1


def test_the_glossarys_words_count_more(base, dataset, model):
    from tailor.training.sequence_objective import LearnToWrite

    dataset.record.terms, dataset.record.term_weight = ["card"], 3.0
    objective = LearnToWrite(model.tokenizer, dataset)
    rows = [objective.encode(Example(str(n), "hello", text)) for n, text in enumerate(("my card", "none"))]
    assert rows[0]["answer_weights"] == [1.0, 1.0, 1.0, 3.0, 3.0, 3.0, 3.0, 1.0], "letters are tokens here"
    batch = objective.collate(rows)
    with torch.no_grad():
        summed, weight = objective.loss(model.model, batch)
        plain, count = objective.loss(model.model, {k: v for k, v in batch.items() if k != "token_weights"})
    assert (weight, count) == (21.0, 13.0), "four letters count three times"
    assert float(summed) > float(plain)
    assert objective.collate(rows[:1])["token_weights"].tolist() == [[1.0, *rows[0]["answer_weights"]]]
