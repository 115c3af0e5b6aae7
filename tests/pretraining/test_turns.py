"""Second-stage rows: the same seed gives the same, answers follow from their prompts, only answers are learned."""

import gzip
import json
from random import Random

import numpy as np
import pytest

from tailor.models import load_tokenizer
from tailor.pretraining import skills
from tailor.pretraining.packing import Mixture
from tailor.pretraining.skills import SKILLS, make_conversations
from tailor.pretraining.turns import IGNORED, LEFT_OUT, TEXT_SHARE, Turns, collect, leave_out, pack


@pytest.fixture(scope="module")
def tokenizer():
    return load_tokenizer("tailor-mini")


def test_the_same_seed_gives_the_same_conversations():
    assert make_conversations(20, seed=5) == make_conversations(20, seed=5) != make_conversations(20, seed=6)


@pytest.mark.parametrize("skill", dict.fromkeys(SKILLS), ids=lambda skill: skill.__name__)
def test_every_skill_asks_and_answers(skill):
    for seed in range(200):
        ask, answer = skill(Random(seed))
        assert ask.strip() == ask
        assert answer.strip() == answer
        assert ask
        assert answer
        assert "{" not in ask


@pytest.mark.parametrize("seed", range(50))
def test_answers_are_right(seed):
    ask, answer = skills.sort_words(Random(seed))
    assert answer == ", ".join(sorted(ask.split(": ")[1].split(", ")))
    ask, answer = skills.classify(Random(seed))
    label_of = {t: k for table in (skills.TOPICS, skills.TONES) for k, texts in table.items() for t in texts}
    assert any(text in ask and label == answer for text, label in label_of.items())
    ask, answer = skills.yes_or_no(Random(seed))
    text, question = ask.split("\n")
    said = question.split(" in the ")[1].split("?")[0]
    assert answer.startswith("Yes" if f"in the {said}" in text else "No")


def test_made_rows_keep_out_of_the_demonstrations_domains():
    text = json.dumps(make_conversations(2000, seed=1)).lower()
    assert [word for word in LEFT_OUT if word in text] == []


def test_packed_rows_learn_only_answers(tokenizer):
    ids, learned = pack(make_conversations(30, seed=1), tokenizer, 128)
    assert ids.shape == learned.shape
    assert ids.shape[1] == 129
    end, pad = tokenizer.convert_tokens_to_ids("<|end|>"), tokenizer.pad_token_id
    assert not learned[ids == pad].any()
    starts = ids == tokenizer.convert_tokens_to_ids("<|assistant|>")
    assert not learned[starts].any()
    assert learned[:, 1:][starts[:, :-1]].all()
    assert learned[ids == end].sum() == starts.sum()


def test_a_batch_holds_text_too_and_hides_prompts(tokenizer):
    text = Mixture({"a": np.arange(20, 4000, dtype=np.uint16)}, seed=1)
    turns = Turns(make_conversations(200, seed=1), tokenizer, text, context=128)
    inputs, targets = turns.batch(0, 10, 128)
    assert inputs.shape == targets.shape == (10, 128)
    spoken = 10 - round(10 * TEXT_SHARE)
    assert (targets[:spoken] == IGNORED).any()
    assert (targets[spoken:] != IGNORED).all()
    assert text.tokens_taken["a"] == (10 - spoken) * 128


def test_licensed_rows_are_read_and_unwanted_domains_left_out(tmp_path):
    (tmp_path / "self_instruct").mkdir()
    tasks = [
        {"instruction": "Name a bird.", "instances": [{"input": "", "output": "Owl."}]},
        {"instruction": "Write to my bank.", "instances": [{"input": "", "output": "Dear bank"}]},
    ]
    lines = "\n".join(map(json.dumps, tasks)).encode()
    (tmp_path / "self_instruct" / "seed_tasks.jsonl.gz").write_bytes(gzip.compress(lines))
    rows, counts = collect(tmp_path, made=0, seed=1)
    assert counts == {"made by rule": 0, "self_instruct": 2, "rasbt_instruction": 0, "taskmaster4": 0}
    assert rows[0] == [{"role": "user", "content": "Name a bird."}, {"role": "assistant", "content": "Owl."}]


def test_a_held_out_dialogue_is_not_learned_as_a_conversation():
    held = [
        {"role": "user", "content": "One latte,  please"},
        {"role": "assistant", "content": "Here you are."},
    ]
    other = [{"role": "user", "content": "One tea"}, {"role": "assistant", "content": "Here you are."}]
    system = {"role": "system", "content": "Be kind."}
    documents = ["User: one latte, please\nAssistant: Here you are.\n<|endoftext|>\nUser: no\nAssistant: yes"]
    assert leave_out([[system, *held], other], documents) == [other]
