"""A local model: scores equal the plain sum, choices equal scores, answers do not depend on their neighbours."""

import numpy as np
import pytest
import torch
from tiny_model import write_tiny_model

from tailor.models import choice_scoring
from tailor.models.choice_scoring import Trie, shared_start
from tailor.models.language_model import GenerationConfig
from tailor.models.loading import load_model, load_tokenizer
from tailor.models.local_model import LocalModel

CHOICES = ["card lost", "card stolen", "fees", "fee", "login problem"]
LONG = "Answer with one label only, and never with anything else. " * 3


def ask(text, system=""):
    return [{"role": "system", "content": system}] * bool(system) + [{"role": "user", "content": text}]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("base") / "tiny")


@pytest.fixture
def model(folder):
    return LocalModel(load_model(str(folder)), load_tokenizer(str(folder)), precision="fp32")


def test_score_is_the_sum_of_log_probabilities_with_the_end_of_turn(model):
    prompt, answer = ask("Where is my card?"), "lost"
    start, learned = model.encode(prompt), model.answer_ids(prompt, answer)
    assert len(learned) == 5  # four letters, one token each, and the end of turn
    assert learned[-1] == model.tokenizer.eos_token_id
    logits = model.model(torch.tensor([start + learned])).logits[0].log_softmax(-1)
    by_hand = sum(float(logits[len(start) - 1 + i, token].detach()) for i, token in enumerate(learned))
    assert model.score([prompt], [answer])[0] == pytest.approx(by_hand, abs=1e-4)


def test_scores_do_not_depend_on_the_batch(model):
    prompts = [ask("a"), ask("a much longer question about fees and cards"), ask("hm", LONG)]
    alone = [model.score([prompt], ["fees"])[0] for prompt in prompts]
    assert model.score(prompts, ["fees"] * 3) == pytest.approx(alone, abs=1e-4)


@pytest.mark.parametrize("system", ["", LONG], ids=["no shared start", "shared start"])
def test_choices_equal_plain_scores(model, system):
    prompts = [ask(text, system) for text in ("My card is gone", "?", "What does a transfer abroad cost me")]
    plain = np.array([model.score([prompt] * len(CHOICES), CHOICES) for prompt in prompts])
    assert np.abs(model.score_choices(prompts, CHOICES) - plain).max() < 1e-3
    assert model._trie_is_exact
    assert np.abs(model.score_choices(prompts[:1], CHOICES) - plain[:1]).max() < 1e-3


@pytest.mark.parametrize("size", [1, 4, 1000])
def test_groups_of_the_trie_do_not_change_scores(model, monkeypatch, size):
    prompts = [ask("My card is gone"), ask("?")]
    whole = model.score_choices(prompts, CHOICES)
    monkeypatch.setattr(choice_scoring, "SMALLEST_GROUP", size)
    monkeypatch.setattr(choice_scoring, "LARGEST_GROUP", size)
    assert np.abs(model.score_choices(prompts, CHOICES) - whole).max() < 1e-3


def test_choices_equal_plain_scores_with_learned_positions(folder):
    from transformers import GPT2Config, GPT2LMHeadModel

    tokenizer = load_tokenizer(str(folder))
    torch.manual_seed(0)
    gpt2 = GPT2LMHeadModel(
        GPT2Config(vocab_size=len(tokenizer), n_positions=512, n_embd=32, n_layer=2, n_head=2)
    )
    model = LocalModel(gpt2.eval(), tokenizer, precision="fp32")
    prompts = [ask("My card is gone", LONG), ask("?", LONG)]
    plain = np.array([model.score([prompt] * len(CHOICES), CHOICES) for prompt in prompts])
    assert np.abs(model.score_choices(prompts, CHOICES) - plain).max() < 1e-3
    assert model._trie_is_exact


def test_an_architecture_that_takes_no_tree_is_scored_the_plain_way(model, monkeypatch):
    def refuse(self, rests):
        raise ValueError("no custom masks")

    prompts = [ask("My card is gone"), ask("?")]
    plain = np.array([model.score([prompt] * len(CHOICES), CHOICES) for prompt in prompts])
    monkeypatch.setattr(choice_scoring.ChoiceScorer, "score", refuse)
    assert np.abs(model.score_choices(prompts, CHOICES) - plain).max() < 1e-4
    assert model._trie_is_exact is False


def test_the_trie_shares_what_answers_share():
    trie = Trie.build([[1, 2, 9], [1, 3, 9], [4, 9]])
    assert trie.tokens == [1, 2, 3, 4]
    assert trie.parents == [0, 1, 1, 0]
    assert trie.depths == [1, 2, 2, 1]
    assert trie.spelling.sum(axis=0).tolist() == [3, 3, 2]
    assert trie.visible.astype(int).tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 1]]
    assert trie.groups(1) == [[0, 1, 2], [3]]


def test_shared_start_leaves_every_prompt_a_token():
    assert shared_start([[1, 2, 3], [1, 2, 3, 4]], at_least=1) == 2
    assert shared_start([[1, 2], [3]], at_least=1) == 0
    assert shared_start([[1, 2, 3]], at_least=1) == 0
    assert shared_start([[1] * 9, [1] * 9], at_least=16) == 0


def test_answers_do_not_depend_on_neighbours_and_are_counted(model):
    prompts = [ask("a"), ask("a much longer question about fees and cards"), ask("hm", LONG)]
    config = GenerationConfig(max_new_tokens=8)
    together = model.generate(prompts, config)
    assert [model.generate([prompt], config)[0] for prompt in prompts] == together
    assert model.usage.requests == 6
    assert model.usage.prompt_tokens == 2 * sum(len(model.encode(prompt)) for prompt in prompts)
    assert 0 < model.usage.generated_tokens <= 48


def test_drawn_answers_follow_from_the_seed_and_leave_the_callers_random_numbers_alone(model):
    config = GenerationConfig(max_new_tokens=8, temperature=1.5, seed=1)
    torch.manual_seed(7)
    before = torch.get_rng_state()
    first = model.generate([ask("a")], config)
    assert torch.equal(torch.get_rng_state(), before)
    assert model.generate([ask("a")], config) == first
    assert model.generate([ask("a")], config.model_copy(update={"seed": 2})) != first


def test_a_prompt_too_long_loses_its_middle_and_is_counted(model):
    ids = model.encode(ask("x" * 1000), room=12)
    assert len(ids) == model.context - 12 == 500
    assert ids[-1] == model.encode(ask("x"))[-1]  # what announces the answer is still there
    assert model.usage.shortened == 1


def test_nothing_to_score_gives_an_empty_table(model):
    assert model.score_choices([], CHOICES).shape == (0, 5)
    assert model.score_choices([ask("a")], []).shape == (1, 0)


def test_the_training_mode_is_given_back(model):
    model.model.train()
    model.score([ask("a")], ["b"])
    model.generate([ask("a")], GenerationConfig(max_new_tokens=1))
    assert model.model.training
