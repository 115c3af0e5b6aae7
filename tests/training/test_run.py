"""Training: stopped and resumed, broken numbers, early stopping, what is kept."""

import json
import os
import re
import signal

import pytest
import torch

from tailor.errors import WorkbenchError
from tailor.settings import make_settings
from tailor.techniques.lora import LoRAConfig
from tailor.training import objectives
from tailor.training.breaks import has_exploded
from tailor.training.run import count_steps
from tailor.training.settings import TrainingConfig


class Stopped(Exception):
    pass


def stop_at(wanted):
    def at(series, step):
        if series == "training loss" and step == wanted:
            raise Stopped

    return at


@pytest.mark.parametrize("name", ["lora", "full"])
@pytest.mark.parametrize("step", [2, 5, 6], ids=["first epoch", "edge of epochs", "second epoch"])
def test_a_stopped_run_goes_on_and_ends_with_the_same_weights(name, step, fit, weights, recorder):
    whole, expected = fit(name, "whole")
    with pytest.raises(Stopped):
        fit(name, "cut", log=recorder(stop_at(step)), checkpoint_seconds=0.0)
    heard = recorder()
    cut, figures = fit(name, "cut", log=heard)
    assert heard.notes[0] == f"Training goes on from step {step - 1} of 8."
    assert weights(cut) == weights(whole)
    assert figures["curves"] == expected["curves"]
    assert figures["notes"] == expected["notes"]
    assert not (cut / ".checkpoints").exists()


@pytest.mark.parametrize("name", ["larc", "layerwise", "prompt_tuning", "prefix_tuning"])
def test_momentum_rates_by_layer_and_soft_prompts_go_on_too(name, fit, weights, recorder):
    whole, expected = fit(name, "whole")
    with pytest.raises(Stopped):
        fit(name, "cut", log=recorder(stop_at(6)), checkpoint_seconds=0.0)
    cut, figures = fit(name, "cut")
    assert weights(cut) == weights(whole)
    assert figures["curves"] == expected["curves"]


def test_a_damaged_checkpoint_is_told_and_the_one_before_it_used(fit, weights, recorder, tmp_path):
    whole, _ = fit("lora", "whole")
    with pytest.raises(Stopped):
        fit("lora", "cut", log=recorder(stop_at(6)), checkpoint_seconds=0.0)
    checkpoints = tmp_path / "runs/cut/.checkpoints"
    assert sorted(p.name for p in checkpoints.glob("step-*")) == ["step-000004", "step-000005"]
    broken = checkpoints / "step-000005" / "optimizer.pt"
    broken.write_bytes(broken.read_bytes()[:-100])
    heard = recorder()
    cut, _ = fit("lora", "cut", log=heard)
    assert heard.notes[:2] == [
        "Checkpoint step-000005 is damaged (optimizer.pt was changed): an earlier one is used.",
        "Training goes on from step 4 of 8.",
    ]
    assert weights(cut) == weights(whole)


def test_a_checkpoint_killed_while_it_was_written_does_not_count(
    fit, weights, recorder, tmp_path, monkeypatch
):
    from tailor.training import trainer

    def killed(written, folder, step):
        raise Stopped

    whole, _ = fit("lora", "whole")
    monkeypatch.setattr(trainer, "seal", killed)
    with pytest.raises(Stopped):
        fit("lora", "cut", checkpoint_seconds=0.0)
    monkeypatch.undo()
    assert not list((tmp_path / "runs/cut/.checkpoints").glob("step-*"))
    cut, _ = fit("lora", "cut")
    assert weights(cut) == weights(whole)


def test_an_interrupt_ends_after_the_step_with_a_checkpoint(fit, weights, recorder, tmp_path):
    def interrupt(series, step):
        if series == "training loss" and step == 3:
            os.kill(os.getpid(), signal.SIGINT)

    whole, _ = fit("lora", "whole")
    with pytest.raises(KeyboardInterrupt):
        fit("lora", "cut", log=recorder(interrupt))
    assert [p.name for p in (tmp_path / "runs/cut/.checkpoints").glob("step-*")] == ["step-000003"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    cut, _ = fit("lora", "cut")
    assert weights(cut) == weights(whole)


def test_a_loss_that_is_no_number_stops_at_once_and_saves_nothing_broken(fit, monkeypatch, tmp_path):
    steps = []
    plain = objectives.LearnAnswers.loss

    def breaks(self, model, batch):
        summed, learned = plain(self, model, batch)
        steps.append(summed.requires_grad)
        return (
            summed * float("nan") if sum(steps) > 4 else summed
        ), learned  # in the third step of two batches

    monkeypatch.setattr(objectives.LearnAnswers, "loss", breaks)
    with pytest.raises(WorkbenchError) as error:
        fit("lora", checkpoint_seconds=0.0)
    assert str(error.value) == (
        "Found: the training loss is not a finite number at step 3: training broke and was stopped; nothing broken "
        "was saved\n"
        "Needed: a learning rate that this model bears (it is 0.01)\n"
        "Do: set learning_rate to 0.001 or less and run the step again"
    )
    assert sum(steps) == 5
    kept = tmp_path / "runs/run"
    assert sorted(p.name for p in (kept / ".checkpoints").glob("step-*")) == ["step-000001", "step-000002"]
    assert not (kept / "model").exists()


def test_a_gradient_that_is_no_number_stops_before_the_weights_change(fit, monkeypatch):
    plain = objectives.LearnAnswers.loss

    def breaks(self, model, batch):
        summed, learned = plain(self, model, batch)
        if summed.requires_grad:
            summed.register_hook(lambda gradient: gradient * float("inf"))
        return summed, learned

    monkeypatch.setattr(objectives.LearnAnswers, "loss", breaks)
    with pytest.raises(WorkbenchError, match=r"^Found: the gradient of .* is not a finite number at step 1:"):
        fit("lora")


def test_a_base_model_that_is_broken_is_not_laid_to_the_rate(fit, monkeypatch):
    plain = objectives.LearnAnswers.loss
    monkeypatch.setattr(
        objectives.LearnAnswers, "loss", lambda *given: (plain(*given)[0] * float("nan"), plain(*given)[1])
    )
    with pytest.raises(WorkbenchError) as error:
        fit("lora")
    assert str(error.value) == (
        "Found: the validation loss is not a finite number at step 0: training broke and was stopped; nothing broken "
        "was saved\n"
        "Needed: a base model whose weights are finite numbers (nothing was changed yet, so it is not the learning "
        "rate)\n"
        "Do: look in 05_measure_baselines whether the base model answers at all, or choose another one in 06"
    )


def test_a_loss_that_explodes_stops_training(fit, monkeypatch, tmp_path):
    """The sixth batch, of the third step, is a thousand times worse than it should be."""
    plain, batches = objectives.LearnAnswers.loss, []

    def explodes(self, model, batch):
        summed, learned = plain(self, model, batch)
        if summed.requires_grad:
            batches.append(summed)
        return (summed * 1000 if len(batches) == 6 else summed), learned

    monkeypatch.setattr(objectives.LearnAnswers, "loss", explodes)
    with pytest.raises(WorkbenchError) as error:
        fit("lora", checkpoint_seconds=0.0)
    assert re.fullmatch(
        r"Found: the training loss exploded, from [\d.]+ at the first step to [\de.+]+ at step 3: training was "
        r"stopped\n"
        r"Needed: a learning rate that this model bears \(it is 0\.01\)\n"
        r"Do: set learning_rate to 0\.001 or less and run the step again",
        str(error.value),
    )
    assert len(batches) == 6, "not one step more"
    kept = tmp_path / "runs/run"
    assert sorted(p.name for p in (kept / ".checkpoints").glob("step-*")) == ["step-000001", "step-000002"]
    assert not (kept / "model").exists()


def test_what_counts_as_an_explosion():
    assert not has_exploded(59.0, 3.0)
    assert has_exploded(61.0, 3.0)
    assert not has_exploded(19.0, 0.01), (
        "a task that is nearly known begins near zero: one odd batch is no explosion"
    )
    assert has_exploded(21.0, 0.01)


def test_memory_that_runs_out_is_told_with_its_batch(fit, monkeypatch, tmp_path):
    plain = objectives.LearnAnswers.loss

    def greedy(self, model, batch):
        if len(batch["input_ids"]) == 2 and model.training:
            torch.empty(10**15)  # what torch really says of memory that is not there
        return plain(self, model, batch)

    monkeypatch.setattr(objectives.LearnAnswers, "loss", greedy)
    with pytest.raises(WorkbenchError) as error:
        fit("lora")
    assert re.fullmatch(
        r"Found: memory ran out at step 1, with 2 rows of \d+ tokens in the model at once\n"
        r"Needed: room for what the model keeps of a batch while it learns from it\n"
        r"Do: set rows_at_once to 1 or less, which changes no result, and run the step again",
        str(error.value),
    )
    assert not (tmp_path / "runs/run/model").exists()
    _, figures = fit("lora", "fewer", rows_at_once=1, max_steps=1)
    assert figures["trainable_parameters"] > 0, "what was advised does"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e9, 0.0, -1.0])
def test_absurd_learning_rates_are_refused(value):
    with pytest.raises(WorkbenchError, match=r"^Found: 07_tune\.learning_rate is "):
        make_settings(LoRAConfig, {"learning_rate": value}, "07_tune")


def test_the_best_weights_are_kept_and_training_stops_early(fit, recorder):
    scripted = iter([2.0, 3.0, 1.0, 4.0, 5.0, 6.0])
    from tailor.training import watch

    patch = pytest.MonkeyPatch()
    patch.setattr(watch, "validation_loss", lambda *given: next(scripted))
    try:
        folder, figures = fit("lora", "best", evaluations=8, patience=2)
    finally:
        patch.undo()
    assert [point["step"] for point in figures["curves"]["validation loss"]] == [0, 1, 2, 3, 4]
    assert figures["notes"] == [
        "Kept the weights of step 2 of 4, where the validation loss was lowest (1.000; 2.000 before training).",
        "Stopped early after step 4: the validation loss fell no further.",
    ]
    from safetensors.torch import load_file

    kept = load_file(str(folder / "model/adapter_model.safetensors"))
    assert any(bool(tensor.abs().sum()) for name, tensor in kept.items() if "lora_B" in name)


def test_training_that_does_not_help_says_so(fit, monkeypatch):
    from tailor.training import watch

    rising = iter([1.0, 2.0, 3.0, 4.0])
    monkeypatch.setattr(watch, "validation_loss", lambda *given: next(rising))
    folder, figures = fit("lora")
    assert figures["notes"][-1] == (
        "Training did not lower the validation loss: the model answers as the base model does."
    )
    from safetensors.torch import load_file

    kept = load_file(str(folder / "model/adapter_model.safetensors"))
    assert all(not bool(tensor.abs().sum()) for name, tensor in kept.items() if "lora_B" in name)


def test_the_tasks_metric_is_measured_on_the_way(fit, recorder):
    heard = recorder()
    _, figures = fit("lora", log=heard, measure=lambda model: {"accuracy": float(model.context)})
    assert figures["curves"]["validation accuracy"] == [{"step": s, "value": 512.0} for s in (0, 4, 8)]
    assert ("validation accuracy", 8, 512.0) in heard.points


def test_rows_that_are_too_long_are_left_out_and_told(fit, dataset, recorder, base):
    from tailor.models.chat import encode_chat
    from tailor.models.loading import load_tokenizer

    tokenizer = load_tokenizer(base)
    lengths = sorted(len(encode_chat(tokenizer, dataset.conversation(e)).input_ids) for e in dataset.train)
    dataset.max_length = lengths[-3]
    heard = recorder()
    _, figures = fit("lora", log=heard)
    left_out = sum(length > lengths[-3] for length in lengths)
    why = f"longer than {lengths[-3]} tokens, or without an answer to learn."
    said = f"{left_out} of 16 training rows were left out: {why}"
    assert figures["notes"][0] == said
    assert heard.notes[0] == said


def test_the_batch_rows_at_once_does_not_change_the_first_step(fit, dataset):
    """Eight rows at once, or two by two: the loss is the mean over all learned tokens either way."""
    dataset.train = dataset.train[:8]
    settings = {"effective_batch_size": 8, "max_steps": 1, "dropout": 0.0, "learning_rate": 0.001}
    _, whole = fit("lora", "whole", rows_at_once=8, **settings)
    _, parts = fit("lora", "parts", rows_at_once=2, **settings)
    first = [figures["curves"]["training loss"][0]["value"] for figures in (whole, parts)]
    assert first[0] == pytest.approx(first[1], rel=2e-2)  # bf16 where it is fast: another order of sums


def test_an_encoder_learns_labels(dataset, tmp_path, recorder):
    from transformers import BertConfig, BertModel

    from tailor.models.catalog import resolve
    from tailor.models.loading import load_tokenizer
    from tailor.progress import Log
    from tailor.techniques import TECHNIQUES

    folder = tmp_path / "encoder"
    torch.manual_seed(0)
    from tiny_model import write_tiny_model

    tokenizer = load_tokenizer(str(write_tiny_model(tmp_path / "tiny")))
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
    size["initializer_range"] = 0.3  # random weights that tell letters apart
    BertModel(
        BertConfig(vocab_size=len(tokenizer), pad_token_id=tokenizer.pad_token_id, **size)
    ).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    source = resolve(str(folder))
    assert source.architecture == "encoder"
    lora = TECHNIQUES["lora"]
    config = lora.Config(epochs=20, effective_batch_size=8, learning_rate=0.01, evaluations=2, patience=0)
    dataset.validation = dataset.train  # the weights that fit these best are kept
    place = tmp_path / "run"
    place.mkdir()
    figures = lora.fit(source, dataset, config, place, seed=0, log=Log())
    losses = [point["value"] for point in figures["curves"]["training loss"]]
    assert losses[-1] < 0.7 * losses[0]
    model = lora.load(source, dataset, place)
    prompts = [dataset.prompt(example.input) for example in dataset.train]
    scores = model.score_choices(prompts, dataset.labels)
    assert torch.tensor(scores).exp().sum(1).allclose(torch.ones(len(prompts), dtype=torch.float64))
    numbers = [dataset.labels.index(example.output) for example in dataset.train]
    loss = -float(scores[range(len(numbers)), numbers].mean())
    best = min(point["value"] for point in figures["curves"]["validation loss"])
    assert loss == pytest.approx(best, rel=0.02), "the head was saved with the adapter"
    assert model.generate(prompts[:1], None) == [dataset.labels[scores[0].argmax()]]
    with pytest.raises(WorkbenchError) as error:
        model.score(prompts[:1], ["feees"])
    assert error.value.found == "this classifier does not know the label 'feees'"
    assert error.value.fix == "add rows with that label and tune again. Did you mean 'fees'?"


def test_few_rows_are_seen_more_often_until_there_are_steps_enough():
    usual = TrainingConfig(least_steps=300, effective_batch_size=8)
    assert [usual.passes(rows) for rows in (5, 80, 400, 800, 10_000)] == [40, 30, 6, 3, 3]
    assert usual.model_copy(update={"epochs": 2.0}).passes(80) == 2.0
    assert count_steps(usual, 400) == 300
    assert count_steps(usual.model_copy(update={"max_steps": 7}), 400) == 7


def test_every_shared_setting_has_its_bounds():
    schema = TrainingConfig.model_json_schema()["properties"]
    for name, field in schema.items():
        if field.get("type") == "boolean":
            continue
        assert {"maximum", "exclusiveMaximum", "minimum", "exclusiveMinimum", "pattern"} & set(field), name
    assert json.dumps(TrainingConfig().model_dump(mode="json"))
