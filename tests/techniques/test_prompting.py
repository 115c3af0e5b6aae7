"""Prompting techniques: what the model reads, how the answer is found, and what it costs."""

import json

import numpy as np
import pytest
from architectures import write_architecture

from tailor.errors import WorkbenchError
from tailor.evaluation.loaded import Loaded
from tailor.machine import find_machine
from tailor.models.catalog import resolve
from tailor.models.language_model import GenerationConfig, Usage
from tailor.progress import Log
from tailor.techniques import TECHNIQUES, instruction_search
from tailor.techniques.chain_of_thought import ChainOfThoughtConfig, Reasoning, vote
from tailor.techniques.instruction_search import halve
from tailor.techniques.system_prompt import FILE, WithSystemPrompt

QUESTION = [{"role": "system", "content": "old"}, {"role": "user", "content": "two and two?"}]


class Scripted:
    """Answers what the script says, and remembers what it was asked."""

    def __init__(self, *answers):
        self.answers, self.asked, self.usage = list(answers), [], Usage()

    def generate(self, prompts, config):
        self.asked.append((prompts, config))
        return self.answers.pop(0)

    def score_choices(self, prompts, choices):
        self.asked.append((prompts, None))
        return np.log(np.array(self.answers.pop(0)))


def test_the_system_prompt_takes_the_place_of_any_other():
    model = WithSystemPrompt(Scripted(["four"]), "Calculate.")
    assert model.generate([QUESTION], GenerationConfig()) == ["four"]
    ((prompts, _),) = model.inner.asked
    assert prompts == [[{"role": "system", "content": "Calculate."}, QUESTION[1]]]


def test_the_price_is_told_and_a_prompt_without_room_is_refused(base, dataset, tmp_path):
    technique = TECHNIQUES["system_prompt"]

    def fit(text):
        config = technique.Config(text=text, list_labels=False)
        return technique.fit(base, dataset, config, tmp_path, seed=0, log=Log())

    tokens = len("sort it")  # the tiny model's tokens are letters
    assert fit("sort it") == {"notes": [f"The system prompt adds {tokens} tokens to every question."]}
    with pytest.raises(WorkbenchError) as error:
        fit("x" * 300)
    assert str(error.value) == (
        f"Found: the system prompt has 300 tokens, and {base.name} reads 512 in all\n"
        "Needed: at most 256, so that question and answer have room\n"
        "Do: shorten it, or set list_labels to false"
    )


def test_without_text_there_is_nothing_to_say(base, dataset):
    technique = TECHNIQUES["system_prompt"]
    dataset.system_prompt, dataset.task = "", "respond"
    assert technique.find_blockers(technique.Config(), dataset, base, find_machine()) == [
        "There is no system prompt: write one into 'text', or describe the use case in 01."
    ]


def test_the_reasoning_stands_between_question_and_answer():
    inner = Scripted(["2 and 2 make 4"], ["4"])
    model = Reasoning(inner, ChainOfThoughtConfig(reasoning_tokens=9), seed=5)
    assert model.generate([QUESTION], GenerationConfig(max_new_tokens=3)) == ["4"]
    (first, thinking), (second, answering) = inner.asked
    assert (thinking.max_new_tokens, thinking.temperature, answering.max_new_tokens) == (9, 0.0, 3)
    asked = {"role": "user", "content": "two and two?\nThink step by step."}
    assert first == [[QUESTION[0], asked]]
    assert second == [
        [
            QUESTION[0],
            asked,
            {"role": "assistant", "content": "2 and 2 make 4"},
            {"role": "user", "content": "So the answer is:"},
        ]
    ]


def test_several_reasonings_are_put_to_a_vote():
    inner = Scripted(["a"], ["5"], ["b"], ["Four. "], ["c"], ["four"])
    model = Reasoning(inner, ChainOfThoughtConfig(samples=3), seed=5)
    assert model.generate([QUESTION], GenerationConfig()) == ["Four. "]
    thinking = [config for prompts, config in inner.asked[::2]]
    assert [config.seed for config in thinking] == [5, 6, 7]
    assert {config.temperature for config in thinking} == {0.7}
    assert vote(["a", "b"]) == "a", "the first of equals"


def test_choices_are_scored_by_the_mean_probability_over_reasonings():
    inner = Scripted(["a"], [[0.5, 0.25]], ["b"], [[0.1, 0.65]])
    scores = Reasoning(inner, ChainOfThoughtConfig(samples=2), seed=0).score_choices([QUESTION], ["x", "y"])
    assert np.exp(scores) == pytest.approx(np.array([[0.3, 0.45]]))


def test_a_question_costs_whatever_is_asked_for_its_sake():
    class Counting:
        usage = Usage()

        def generate(self, prompts, config):
            with self.usage.timed(len(prompts)):
                self.usage.prompt_tokens += 10 * len(prompts)
            return ["a"] * len(prompts)

    loaded = Loaded(lambda: Reasoning(Counting(), ChainOfThoughtConfig(samples=2), seed=0))
    loaded.generate([QUESTION] * 3, GenerationConfig())
    assert loaded.measured(12.0)["tokens_per_question"] == 40, "twice: the reasoning, then the answer"


def test_halving_keeps_the_wording_that_answers_best(dataset):
    """A model that knows the right label only where it was told to look."""

    class Obedient:
        usage = Usage()

        def score_choices(self, prompts, choices):
            known = {example.input: example.output for example in dataset.validation}
            rows = np.zeros((len(prompts), len(choices)))
            for row, prompt in enumerate(prompts):
                if prompt[0]["content"] == "look":
                    rows[row, choices.index(known[prompt[-1]["content"]])] = 1
            return rows

    best, tried = halve(["a", "b", "look", "c"], Obedient(), dataset, 2, 0, Log())
    assert best == "look"
    assert [(t["text"], t["rows"]) for t in tried[:4]] == [(text, 2) for text in ("a", "b", "look", "c")]
    assert len(tried) == 6, "four wordings, then the better two on twice the rows"
    assert {t["rows"] for t in tried[4:]} == {4}


def test_every_wording_tried_is_kept(base, dataset, tmp_path):
    technique = TECHNIQUES["instruction_search"]
    config = technique.Config(candidates=2, rows=4)
    figures = technique.fit(base, dataset, config, tmp_path, seed=0, log=Log())
    kept = json.loads((tmp_path / FILE).read_text(encoding="utf-8"))
    assert len(kept["tried"]) == 2
    assert kept["text"] in [row["text"] for row in kept["tried"]]
    assert figures["notes"][0].startswith("2 wordings were tried; on the first 4 rows accuracy ran from ")


def test_another_models_wordings_have_half_of_the_places(base, dataset, monkeypatch):
    monkeypatch.setattr(
        instruction_search, "proposals", lambda *given: ["Mine.", "Mine.", "Mine too.", "Last."]
    )
    config = instruction_search.InstructionSearchConfig(candidates=4, proposer="tailor-mini")
    tried = instruction_search.wordings(dataset, base, config, 0, Log())
    assert tried[0] == dataset.system_prompt
    assert tried[2:] == ["Mine.", "Mine too."]


@pytest.mark.parametrize("name", [name for name, t in TECHNIQUES.items() if not t.changes_weights])
def test_an_encoder_decoder_is_prompted_too(name, encoder_decoder, dataset, tmp_path):
    technique = TECHNIQUES[name]
    small = {"system_prompt": {"text": "Sort."}, "instruction_search": {"candidates": 2, "rows": 4}}
    config = technique.Config(**small.get(name, {}))
    assert technique.find_blockers(config, dataset, encoder_decoder, find_machine()) == []
    technique.fit(encoder_decoder, dataset, config, tmp_path, seed=0, log=Log())
    model = technique.load(encoder_decoder, dataset, tmp_path)
    prompts = [dataset.prompt(example) for example in dataset.validation[:2]]
    scores = model.score_choices(prompts, dataset.labels)
    assert scores.shape == (2, len(dataset.labels))
    for row, prompt in enumerate(prompts):
        each = model.score([prompt] * len(dataset.labels), dataset.labels)
        assert scores[row] == pytest.approx(each, abs=0.5)
    assert len(model.generate(prompts, GenerationConfig(max_new_tokens=3))) == 2
    assert model.usage.prompt_tokens > 0


@pytest.fixture(scope="module")
def encoder_decoder(tmp_path_factory):
    return resolve(str(write_architecture("t5", tmp_path_factory.mktemp("base") / "t5")))
