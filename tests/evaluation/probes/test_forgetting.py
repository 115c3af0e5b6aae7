"""A model that forgot is found, and replay is shown to keep it from that; one that did not is left in peace."""

import re
from dataclasses import replace

import numpy as np
import pytest
from probe_bench import make_bench, tune
from small_project import RuleModel, make_project

from tailor.blocks import Callout, Figure, Table
from tailor.data.dataset import Dataset
from tailor.errors import WorkbenchError
from tailor.evaluation.forgetting import bits_per_character, form_questions, read_passages
from tailor.evaluation.probes.forgetting import Forgetting, forgotten_by
from tailor.models.catalog import resolve
from tailor.models.local_model import LocalModel
from tailor.project import Project

QUICK = {"epochs": 1, "evaluations": 1, "metric_rows": 0, "validation_rows": 8}


def test_bits_per_character_are_those_of_the_pretraining_recipe():
    from tailor.pretraining.measure import bits_per_character as of_recipe

    model, passages = LocalModel.open(resolve("tailor-mini"), precision="fp32"), read_passages()[:3]
    long = [" ".join(read_passages())]  # longer than the model's context: read in windows
    begin = model.tokenizer.bos_token_id
    for texts in (passages, long):
        plain = of_recipe(model.model, model.tokenizer, texts, context=model.context - 1, begin=begin)
        assert bits_per_character(model, texts).value == pytest.approx(plain, rel=1e-4)


def test_an_encoder_decoder_is_asked_for_the_second_half(tmp_path):
    from architectures import write_architecture

    from tailor.models.loading import load_model, load_tokenizer
    from tailor.models.sequence_to_sequence import SequenceToSequenceModel

    base = resolve(str(write_architecture("t5", tmp_path / "t5")))
    model = SequenceToSequenceModel(load_model(base), load_tokenizer(base), precision="fp32")
    found = bits_per_character(model, ["abcdef", "xyz"])
    (first,) = model.score([[{"role": "user", "content": "abc"}]], ["def"])
    assert found.statistics[0].tolist() == [pytest.approx(-first / np.log(2)), 3.0]


def test_a_soft_prompt_stands_before_the_text():
    import torch

    from tailor.models.loading import load_model, load_tokenizer
    from tailor.models.virtual_tokens import SoftPromptModel, Table, TaskPrefix, attach

    base, passages = resolve("tailor-mini"), read_passages()[:2]
    plain = bits_per_character(LocalModel.open(base, precision="fp32"), passages).value
    network = load_model(base)
    first = attach(network, Table(torch.ones(3, network.config.hidden_size)))
    model = SoftPromptModel(network, load_tokenizer(base), TaskPrefix(first, 3), precision="fp32")
    assert bits_per_character(model, passages).value != pytest.approx(plain, rel=1e-3)


GOOD = {
    "JSON with two fields": '{"place": "shed", "name": "Ada"}',
    "a bulleted list": "- cup\n- lamp",
    "a number alone": "4.",
    "yes or no": "Yes.",
    "capital letters": "THE TEAM WON.",
    "one of three labels": None,
}


def test_forms_are_told_from_what_only_looks_like_them():
    for question in form_questions(3, seed=1):
        if question.form == "a bulleted list":
            names = question.asked.removeprefix("Write ").removesuffix(" as a bulleted list.")
            words = names.replace(" and ", ", ").split(", ")
            assert question.kept("\n".join(f"- {word}" for word in words))
            assert not question.kept(", ".join(words))
            assert not question.kept("\n".join(f"- {word}" for word in [*words, "more"]))
        elif question.form == "one of three labels":
            label = question.asked.split("Labels: ")[1].split(",")[0]
            assert question.kept(f"{label}.")
            assert not question.kept(f"The label is {label}")
        else:
            assert question.kept(GOOD[question.form])
        assert not question.kept("Thank you for your message, we will send a new card.")
        assert not question.kept("")
    assert [q.asked for q in form_questions(2, 1)] == [q.asked for q in form_questions(2, 1)]


def test_a_model_that_forgot_is_found_and_remedies_are_tried(home):
    dataset = Dataset.open(make_project(home, "respond"))
    tuned = tune(dataset, "full", "tailor-mini", learning_rate=3e-3, **QUICK)
    bench = make_bench(dataset, tuned, tune(dataset, "zero_shot", "tailor-mini"))
    settings = Forgetting.Settings(
        forgetting_try_remedies=True, forgetting_projects=["small"], forgetting_rows=6
    )
    found = Forgetting().measure(bench, settings)
    found.settings = settings.model_dump()
    assert found.status == "act"
    assert found.figures["change"].low > 0.1
    assert re.match(r"General text takes 1\.\d\d bits per character before tuning and ", found.verdict)
    assert ": over the budget of 0.1." in found.verdict
    replay, slower = (row for row in found.rows if row["part"] == "remedy")
    assert (replay["remedy"], slower["remedy"]) == (
        "replayed text, a fifth of the rows",
        "a third of the learning rate",
    )
    tuned_change = found.figures["change"].value
    assert replay["change"]["value"] < 0.9 * tuned_change
    assert slower["change"]["value"] < 0.6 * tuned_change
    table, remedies, said, figure = Forgetting().blocks(found)
    assert isinstance(table, Table)
    assert len(table.rows) == 1 + 1 + 6 + 1  # text, forms together and each, the other project
    assert [row[0] for row in remedies.rows][1:] == [replay["remedy"], slower["remedy"]]
    assert isinstance(said, Callout)
    assert isinstance(figure, Figure)
    assert figure.draw().axes


def test_a_model_that_did_not_forget_is_left_in_peace(home):
    dataset = Dataset.open(make_project(home, "respond"))
    tuned = tune(dataset, "lora", "tailor-mini", learning_rate=1e-4, **QUICK | {"max_steps": 3})
    prompting = tune(dataset, "zero_shot", "tailor-mini")
    bench = make_bench(dataset, tuned, prompting)
    found = Forgetting().measure(bench, Forgetting.Settings())
    assert found.status == "ok"
    assert found.verdict.endswith(": within the budget of 0.1.")
    assert forgotten_by([found], tuned.id) == found.figures["change"]
    assert forgotten_by([found], prompting.id) is None
    forms = next(row for row in found.rows if row["part"] == "forms")
    assert forms["before"]["value"] > 0.3  # reading text must not change how questions are put

    # where prompting does best, what the tuned models forgot is told all the same
    base = replace(bench, best=bench.base, others=[bench.best])
    beside = Forgetting().measure(base, Forgetting.Settings())
    assert beside.verdict.startswith("Nothing to forget: ")
    assert forgotten_by([beside], tuned.id) == found.figures["change"]
    beside.settings = {"forgetting_text": ""}
    (table,) = Forgetting().blocks(beside)
    assert table.rows[0][0] == "general text, bits per character (less is better), as LoRA reads it"


def test_what_cannot_be_asked_is_said(home):
    dataset = Dataset.open(make_project(home, "classify"))
    found = Forgetting().measure(
        make_bench(dataset, RuleModel("classify", 0.9), RuleModel("classify", 0.1)), Forgetting.Settings()
    )
    assert (found.status, found.verdict) == (
        "not measured",
        "Not measured: only models on this machine that write text tell how probable a text is.",
    )
    prompting = tune(dataset, "zero_shot", "tailor-mini")
    found = Forgetting().measure(make_bench(dataset, prompting, prompting), Forgetting.Settings())
    assert (
        found.verdict == "Nothing to forget: Zero-shot prompting leaves the base model's weights as they are."
    )


def test_an_unknown_project_blocks(home):
    project = make_project(home)
    settings = Forgetting.Settings(forgetting_projects=["smal"])
    assert Forgetting().blockers(Project("small"), settings) == [
        "10_evaluate.forgetting_projects names 'smal', which has no dataset: run it up to 04_format_data, or take it "
        "out. Did you mean 'small'?"
    ]
    assert Forgetting().blockers(project, Forgetting.Settings(forgetting_projects=["small"])) == []


def test_text_without_passages_is_refused(home):
    (home / "own.txt").write_text("one line\nand another", encoding="utf-8")
    with pytest.raises(WorkbenchError) as error:
        read_passages("own.txt")
    assert str(error.value) == (
        f"Found: {home / 'own.txt'} holds 1 passages\n"
        "Needed: at least two, parted by blank lines, or no interval can be told\n"
        "Do: put blank lines between its paragraphs, or leave forgetting_text empty for the bundled text"
    )


def test_files_that_are_named_are_read_again_when_they_change(home):
    make_project(home)
    settings = Forgetting.Settings(forgetting_text="own.txt", forgetting_projects=["small", "unknown"])
    assert Forgetting().reads(Project("small"), settings) == ["own.txt", "outputs/small/dataset.json"]
    assert Forgetting().reads(Project("small"), Forgetting.Settings()) == []
