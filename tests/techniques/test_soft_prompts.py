"""Soft prompts: where they begin, what they leave alone, and many tasks in one table."""

import hashlib

import pytest
import torch

from tailor.errors import WorkbenchError
from tailor.machine import find_machine
from tailor.models.language_model import GenerationConfig
from tailor.models.loading import load_model, load_tokenizer
from tailor.models.local_model import LocalModel
from tailor.models.prompt_table import FILE, PromptTable, TableModel, add_task
from tailor.models.virtual_tokens import SoftPromptModel, Table, TaskPrefix, attach, nearest_words
from tailor.progress import Log
from tailor.techniques import TECHNIQUES
from tailor.techniques.p_tuning import prompt_encoder
from tailor.techniques.prompt_tuning import TASK, PromptTuningConfig, first_tokens

TRAINING = {"epochs": 2, "effective_batch_size": 4, "rows_at_once": 2, "evaluations": 1, "virtual_tokens": 5}


def rows(number, width, count=3):
    return torch.randn(count, width, generator=torch.Generator().manual_seed(number))


@pytest.fixture
def width(base):
    return load_model(base).get_input_embeddings().weight.shape[1]


def test_virtual_tokens_of_known_words_do_what_the_words_do(base):
    """A table filled with the vectors of real tokens must score exactly as these tokens before the prompt."""
    tokenizer = load_tokenizer(base)
    words = tokenizer.encode("please answer now", add_special_tokens=False)
    plain = LocalModel(load_model(base).eval(), tokenizer, precision="fp32")
    prompt, answers = [{"role": "user", "content": "my card"}], ["card lost", "refund"]
    with torch.no_grad():
        wanted = plain.score_ids(
            [[*words, *plain.encode(prompt)]] * 2, [plain.answer_ids(prompt, answer) for answer in answers]
        )
    model = load_model(base).eval()
    table = Table(model.get_input_embeddings().weight[words].detach())
    first = attach(model, table)
    soft = SoftPromptModel(model, tokenizer, TaskPrefix(first, len(words)), precision="fp32")
    assert soft.score([prompt] * 2, answers) == pytest.approx(wanted, abs=1e-3)
    assert soft.score_choices([prompt], answers)[0] == pytest.approx(wanted, abs=1e-3)
    assert not any(weight.requires_grad for name, weight in model.named_parameters() if "source" not in name)
    near = nearest_words(table(), model, tokenizer, 1)
    assert [word for (word,) in near[:6]] == list("please")[:6]
    assert near[6] == ["' '"], "a blank is shown as one"


@pytest.mark.parametrize("name", ["prompt_tuning", "p_tuning"])
def test_what_is_left_is_the_table_alone(name, base, dataset, tmp_path):
    technique = TECHNIQUES[name]
    figures = technique.fit(base, dataset, technique.Config(**TRAINING), tmp_path, seed=1, log=Log())
    assert [path.name for path in (tmp_path / "model").iterdir()] == [FILE]
    table = PromptTable.load(tmp_path / "model" / FILE)
    assert list(table.tasks) == [TASK]
    assert table.task(TASK).shape[0] == 5
    assert (tmp_path / "model" / FILE).stat().st_size < 5 * table.task(TASK).shape[1] * 4 + 200
    assert figures["notes"][-1].startswith("Nearest words of the virtual tokens: ")


def test_the_lstm_and_the_mlp_start_where_prompt_tuning_does(width):
    first = rows(1, width)
    for kind in ("mlp", "lstm"):
        source = prompt_encoder(first, kind, 16)
        assert torch.equal(source(), first)
        source().sum().backward()
        assert source.encoder.mlp_head[-1].weight.grad.abs().sum() > 0


def test_starting_points(base, dataset):
    tokenizer = load_tokenizer(base)
    settings = {"virtual_tokens": 7}

    def words(**more):
        return first_tokens(tokenizer, dataset, PromptTuningConfig(**settings, **more), seed=0)

    text = words(start_from="text", start_text="sort the mail")
    once = tokenizer.encode("sort the mail", add_special_tokens=False)
    assert text == (once * 7)[:7]
    seen = {
        t for e in dataset.train for t in tokenizer.encode(f"{e.input} {e.output}", add_special_tokens=False)
    }
    assert set(words(start_from="vocabulary")) <= seen
    assert len(words(start_from="labels")) == len(words(start_from="random")) == 7


def test_adding_a_task_leaves_the_others_to_the_bit(base, width, tmp_path):
    path, tokenizer = tmp_path / "table.safetensors", load_tokenizer(base)
    prompt = [{"role": "user", "content": "my card"}]

    def answers(task):
        model = TableModel(load_model(base).eval(), tokenizer, PromptTable.load(path)).model(task)
        written = model.generate([prompt], GenerationConfig(max_new_tokens=8))
        return written, model.score([prompt], ["card lost"])

    add_task(path, PromptTable("tiny", {"cards": rows(1, width)}))
    before = hashlib.sha256(PromptTable.load(path).task("cards").numpy().tobytes()).hexdigest()
    alone = answers("cards")
    add_task(path, PromptTable("tiny", {"claims": rows(2, width, 6)}))
    add_task(path, PromptTable("tiny", {"a first one": rows(3, width, 1)}))
    assert hashlib.sha256(PromptTable.load(path).task("cards").numpy().tobytes()).hexdigest() == before
    assert answers("cards") == alone
    assert answers("claims") != alone


def test_rows_of_different_tasks_share_a_batch(base, width):
    table = PromptTable("tiny", {"cards": rows(1, width), "claims": rows(2, width, 6)})
    model = TableModel(load_model(base).eval(), load_tokenizer(base), table)
    prompts = [[{"role": "user", "content": text}] for text in ("my card", "my claim", "hello")]
    tasks, answers = ["cards", "claims", "cards"], ["card lost", "refund", "refund"]
    together = model.score(tasks, prompts, answers)
    each = [model.model(t).score([p], [a])[0] for t, p, a in zip(tasks, prompts, answers, strict=True)]
    assert together == pytest.approx(each, abs=1e-3)


def test_one_task_can_be_handed_on(width, tmp_path):
    table = PromptTable("tiny", {"cards": rows(1, width), "claims": rows(2, width)})
    table.export("claims").save(tmp_path / "claims.safetensors")
    again = PromptTable.load(tmp_path / "claims.safetensors")
    assert list(again.tasks) == ["claims"]
    assert torch.equal(again.task("claims"), table.task("claims"))
    with pytest.raises(WorkbenchError) as error:
        table.task("claim")
    assert str(error.value) == (
        "Found: the prompt table has no task 'claim'\n"
        "Needed: one of: cards, claims\n"
        "Do: correct the name, or tune a soft prompt for it. Did you mean 'claims'?"
    )


def test_a_table_for_another_model_is_refused(base, width, tmp_path):
    path = tmp_path / "table.safetensors"
    PromptTable("other", {"cards": rows(1, width)}).save(path)
    with pytest.raises(WorkbenchError) as error:
        add_task(path, PromptTable("tiny", {"claims": rows(2, width)}))
    assert error.value.found == "table.safetensors holds soft prompts for other, and the new one is for tiny"
    with pytest.raises(WorkbenchError) as error:
        PromptTable("other", {"cards": rows(1, 7)}).check_base("tiny", width)
    assert error.value.found == (
        f"the prompt table was made for other, whose vectors have 7 numbers; those of tiny have {width}"
    )


def test_blockers(base, dataset):
    technique = TECHNIQUES["prompt_tuning"]
    many = technique.Config(virtual_tokens=200)
    small = type(base)(**{**base.__dict__, "context": 300})
    assert technique.find_blockers(many, dataset, small, find_machine()) == [
        f"200 virtual tokens leave too little of the 300 tokens that {base.name} reads. Choose fewer virtual_tokens."
    ]
    dataset.task = "respond"
    labels = technique.Config(start_from="labels")
    assert technique.find_blockers(labels, dataset, base, find_machine()) == [
        "start_from is 'labels', and the task has none. Choose 'vocabulary' or 'text'."
    ]
