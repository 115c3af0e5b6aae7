"""Soft prompts: where they begin, what they leave alone, and many tasks in one table."""

import hashlib
from dataclasses import replace

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
from tailor.techniques.multitask_prompt import TASKS, shared_prompt, tasks_of
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


def test_each_task_reads_its_own_tokens_and_another_one_their_mean():
    first = rows(1, 8)
    source = shared_prompt(first, tasks=2, rank=2)
    begin = source()
    assert torch.allclose(begin, first.repeat(3, 1)), "at first all are where prompt tuning begins"
    with torch.no_grad():
        source.prompts.prefix_task_rows[1, 0] = 3.0  # by hand: the second task's factor is three
    assert torch.allclose(source(), torch.cat([first, 3 * first, 2 * first]))
    (source()[3:6].sum() + source()[:3].pow(2).sum()).backward()
    assert source.prompts.prefix_task_cols.grad.abs().sum() > 0
    prefix = TaskPrefix(100, 3, ["Sort.", "Answer."])
    asked = {"role": "user", "content": "hello"}

    def read(system):
        return prefix([{"role": "system", "content": system}, asked])

    assert (read("Sort."), read("Answer.")) == ([100, 101, 102], [103, 104, 105])
    assert read("Something else.") == prefix([asked]) == [106, 107, 108]
    assert TaskPrefix(100, 3)([asked]) == [100, 101, 102]


def test_tasks_are_the_system_prompts(base, dataset, tmp_path):
    technique = TECHNIQUES["multitask_prompt"]
    assert technique.find_blockers(technique.Config(), dataset, base, find_machine()) == [
        "Multi-task prompt tuning needs at least 2 tasks, and all training rows have the same system prompt. Choose "
        "prompt_tuning, or in 04_format_data a column for the role 'system' that says what each row is about."
    ]
    dataset.train[5:] = [replace(row, system="Sort.") for row in dataset.train[5:]]
    assert tasks_of(dataset) == ["Be kind.", "Sort."]
    technique.fit(base, dataset, technique.Config(**TRAINING), tmp_path, seed=1, log=Log())
    table = PromptTable.load(tmp_path / "model" / FILE)
    assert list(table.tasks) == ["other", "task 1", "task 2"]
    assert torch.allclose(table.task("other"), (table.task("task 1") + table.task("task 2")) / 2, atol=1e-6)
    (tmp_path / TASKS).write_text('{"a": 1}')
    with pytest.raises(WorkbenchError) as error:
        technique.load(base, dataset, tmp_path)
    assert error.value.found == f"{tmp_path / TASKS} cannot be read (it is no list of texts)"


def test_a_system_prompt_for_every_row_is_no_task(base, dataset):
    technique = TECHNIQUES["multitask_prompt"]
    dataset.train = [replace(dataset.train[0], system=f"Customer {number}") for number in range(101)]
    assert technique.find_blockers(technique.Config(), dataset, base, find_machine()) == [
        "Multi-task prompt tuning takes every system prompt for a task, and the training rows have 101 (at most 100). "
        "Choose another technique, or another column for the role 'system' in 04_format_data."
    ]
