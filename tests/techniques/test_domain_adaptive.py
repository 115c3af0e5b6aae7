"""Domain pre-training: words of the domain become tokens, text is read first, and encoders guess what is hidden."""

from types import SimpleNamespace

import pytest
import torch
from tiny_model import write_tiny_encoder, write_tiny_model

from tailor.models.catalog import resolve
from tailor.models.loading import load_model, load_tokenizer
from tailor.models.vocabulary import add_words, pieces_of, words_to_add
from tailor.progress import Log
from tailor.techniques import TECHNIQUES, domain_adaptive
from tailor.training.domain_text import LearnHidden, TextRows

DOMAIN = TECHNIQUES["domain_adaptive"]


def test_a_new_word_begins_as_the_mean_of_its_pieces():
    tokenizer, model = load_tokenizer("tailor-mini"), load_model("tailor-mini")
    text = "A chargeback is no refund, and chargebacks take weeks."
    before = tokenizer.encode(text, add_special_tokens=False)
    pieces = pieces_of(tokenizer, "chargeback")
    mean = model.get_input_embeddings().weight[pieces].mean(dim=0).detach()
    assert add_words(model, tokenizer, ["chargeback", "the"]) == ["chargeback"], "'the' is one token already"
    after = tokenizer.encode(text, add_special_tokens=False)
    assert len(after) == len(before) - 2 * (len(pieces) - 1)
    assert tokenizer.decode(after) == text
    assert torch.allclose(model.get_input_embeddings().weight[after[1]], mean)
    assert model.get_output_embeddings().weight.shape[0] == len(tokenizer)


def test_the_words_that_save_most_are_taken_and_the_glossarys_first():
    tokenizer = load_tokenizer("tailor-mini")
    texts = ["overdraft chargeback overdraft the the the"] * 4 + ["standing escrow"] * 2
    found = words_to_add(tokenizer, texts, 9, sure=["Escrow"])
    assert [word for word, _, _ in found] == ["escrow", "overdraft"], "chargeback occurs four times only"
    assert found[1][1] == 8
    assert found[1][2] == len(pieces_of(tokenizer, "overdraft"))


def test_long_texts_are_cut_and_some_are_held_out():
    tokenizer = load_tokenizer("tailor-mini")
    rows = TextRows([f"text number {i} " * 20 for i in range(40)], tokenizer, 16, seed=1)
    assert max(map(len, rows.train)) == 16
    whole = {tuple(ids) for ids in rows.train}
    assert rows.validation
    assert not whole & {tuple(ids) for ids in rows.validation if len(ids) == 16}


def test_hidden_tokens_alone_are_learned(tmp_path):
    tokenizer = load_tokenizer(resolve(str(write_tiny_encoder(tmp_path / "e"))))
    objective = LearnHidden(tokenizer)
    torch.manual_seed(0)
    rows = [objective.encode(list(range(40, 40 + n))) for n in (200, 3)]
    batch = objective.collate(rows)
    learned = batch["labels"][:, 1:] != -100
    assert learned.sum(dim=1)[1] >= 1
    assert 0.08 < float(learned[0].sum()) / 200 < 0.25
    assert not learned[batch["attention_mask"] == 0].any(), "padding is never guessed"
    changed = batch["input_ids"][0, :200] != torch.arange(40, 240)
    assert bool((~changed | learned[0, :200]).all()), "what is not hidden stands as it was"


@pytest.mark.parametrize("write", [write_tiny_model, write_tiny_encoder])
def test_text_is_read_before_the_task(write, dataset, tmp_path):
    base = resolve(str(write(tmp_path / "base")))
    (tmp_path / "domain.txt").write_text("\n\n".join(f"A chargeback is passage {i}." for i in range(30)))
    config = DOMAIN.Config(
        epochs=1,
        domain_epochs=4,
        effective_batch_size=8,
        rows_at_once=8,
        evaluations=1,
        new_words=1,
        texts=[str(tmp_path / "domain.txt")],
    )
    folder = tmp_path / "run"
    folder.mkdir()
    figures = DOMAIN.fit(base, dataset, config, folder, seed=1, log=Log())
    assert figures["notes"][0].startswith(
        "Read 29 pieces of domain text first. 1 words became tokens of their own (chargeback...), which saves "
    )
    losses = [point["value"] for point in figures["curves"]["domain text: validation loss"]]
    assert losses[-1] < losses[0]
    assert [path.name for path in folder.iterdir()] == ["model"]
    model = DOMAIN.load(base, dataset, folder)
    assert len(model.tokenizer) == len(load_tokenizer(base)) + 1


@pytest.mark.parametrize("steps", [2, 5], ids=["while it reads", "while it learns the task"])
def test_a_stopped_run_goes_on_in_the_stage_where_it_was(steps, dataset, tmp_path):
    class Stopped(Exception):
        pass

    class StopsAfter(Log):
        left = steps

        def point(self, series, step, value):
            self.left -= series == "training loss"
            if not self.left:
                raise Stopped

    base = resolve(str(write_tiny_model(tmp_path / "base")))
    config = DOMAIN.Config(
        epochs=1,
        domain_epochs=1,
        effective_batch_size=4,
        rows_at_once=4,
        evaluations=1,
        checkpoint_seconds=0.0,
    )

    def fitted(name, log):
        figures = DOMAIN.fit(base, dataset, config, tmp_path / name, seed=1, log=log)
        return figures["curves"], (tmp_path / name / "model/model.safetensors").read_bytes()

    whole = fitted("whole", Log())
    with pytest.raises(Stopped):
        fitted("cut", StopsAfter())
    assert (tmp_path / "cut/.domain/figures.json").exists() == (steps == 5)
    assert fitted("cut", Log()) == whole


def test_a_run_killed_while_it_tidies_up_is_made_again(dataset, tmp_path, monkeypatch):
    class Killed(Exception):
        pass

    def killed(folder):
        (folder / "model" / "config.json").unlink()  # as far as it got
        raise Killed

    base = resolve(str(write_tiny_model(tmp_path / "base")))
    config = DOMAIN.Config(max_steps=1, domain_epochs=0.1, evaluations=1, new_words=0)
    monkeypatch.setattr(domain_adaptive, "shutil", SimpleNamespace(rmtree=killed))
    with pytest.raises(Killed):
        DOMAIN.fit(base, dataset, config, tmp_path / "run", seed=1, log=Log())
    monkeypatch.undo()
    DOMAIN.fit(base, dataset, config, tmp_path / "run", seed=1, log=Log())
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["model"]


def test_transfer_goes_on_from_the_other_model(dataset, tmp_path):
    """One step of no length: the result is the other model, not the base."""
    base = resolve(str(write_tiny_model(tmp_path / "base")))
    other = write_tiny_model(tmp_path / "other", seed=5)
    technique = TECHNIQUES["transfer"]
    config = technique.Config(from_model=str(other), max_steps=1, learning_rate=1e-9, evaluations=1)
    figures = technique.fit(base, dataset, config, tmp_path / "run", seed=1, log=Log())
    assert figures["notes"][0] == f"Went on from {other}."
    weight = technique.load(base, dataset, tmp_path / "run").model.lm_head.weight
    assert torch.allclose(weight, load_model(str(other)).lm_head.weight, atol=1e-6)
    assert not torch.allclose(weight, load_model(base).lm_head.weight, atol=1e-2)


def test_transfer_from_nowhere_is_a_blocker(dataset, tmp_path):
    from tailor.machine import find_machine

    base = resolve(str(write_tiny_model(tmp_path / "base")))
    technique = TECHNIQUES["transfer"]
    missing = technique.Config(from_model="outputs/other/export/model")
    (problem,) = technique.find_blockers(missing, dataset, base, find_machine())
    assert problem == "there is no file or folder outputs/other/export/model. check the path."
    encoder = technique.Config(from_model=str(write_tiny_encoder(tmp_path / "encoder")))
    assert technique.find_blockers(encoder, dataset, base, find_machine()) == [
        "encoder is of another kind (encoder) than base."
    ]
