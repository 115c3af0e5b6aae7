"""The loop learns, resumes to the same weights, stops on nonsense; the recipe runs from text to a model folder."""

import json
import math
import shutil

import numpy as np
import pytest

from tailor.errors import WorkbenchError
from tailor.models import load_model, load_tokenizer
from tailor.models.catalog import resolve
from tailor.pretraining import recipe
from tailor.pretraining.checkpoint import load_checkpoint
from tailor.pretraining.loop import Learner, Schedule, Shape, build_model, train
from tailor.pretraining.measure import bits_per_character, read_held_out, windows, xz_bits_per_character
from tailor.pretraining.packing import Mixture

TINY = Shape(width=64, layers=1, feed_forward=64, vocabulary=64, context=64)


def mixture() -> Mixture:
    return Mixture({"count": np.tile(np.arange(50, dtype=np.uint16), 100)}, seed=1)


def learner(steps: int = 6, **changes) -> Learner:
    schedule = Schedule(steps=steps, batch_tokens=128, rows_context=32, long_context=64, **changes)
    return Learner(build_model(TINY, seed=1), schedule, half=False)


def quiet(_):
    pass


def test_the_loss_starts_at_chance_and_falls(tmp_path):
    progress = train(learner(40), mixture(), tmp_path, log_every=1, log=quiet)
    assert progress.losses[0] == pytest.approx(math.log(64), abs=0.1)
    assert progress.losses[-1] < 1.0
    assert progress.tokens == 40 * 128


def test_a_resumed_run_ends_with_the_same_weights(tmp_path):
    whole = learner()
    train(whole, mixture(), tmp_path / "whole", log=quiet)
    stopped = learner()
    with pytest.raises(KeyboardInterrupt):
        train(stopped, StopsAfter(mixture(), 3), tmp_path / "cut", save_every=0, log=quiet)
    resumed = learner()
    train(resumed, mixture(), tmp_path / "cut", log=quiet)
    assert all((a == b).all() for a, b in zip(whole.master, resumed.master, strict=True))


class StopsAfter:
    """A mixture that is interrupted after some batches."""

    def __init__(self, inner: Mixture, batches: int) -> None:
        self.inner, self.left, self.tokens_taken = inner, batches, inner.tokens_taken

    def batch(self, *arguments):
        if not self.left:
            raise KeyboardInterrupt
        self.left -= 1
        return self.inner.batch(*arguments)


def test_a_run_ended_between_the_two_renames_goes_on(tmp_path):
    train(learner(2), mixture(), tmp_path, log=quiet)
    (tmp_path / "checkpoint").rename(tmp_path / "checkpoint.old")
    assert train(learner(3), mixture(), tmp_path, log=quiet).step == 3


def test_a_damaged_checkpoint_is_named(tmp_path):
    train(learner(2), mixture(), tmp_path, log=quiet)
    (tmp_path / "checkpoint" / "optimizers.pt").write_bytes(b"broken")
    with pytest.raises(WorkbenchError) as caught:
        load_checkpoint(tmp_path / "checkpoint", learner(2), mixture())
    assert str(caught.value).splitlines()[1:] == [
        "Needed: weights.safetensors, optimizers.pt and position.json, all whole.",
        f"Do: Delete {tmp_path / 'checkpoint'} to start this run again from its beginning.",
    ]


def test_a_loss_that_isn_t_a_number_changes_nothing():
    import torch

    teacher = learner()
    with torch.no_grad():
        teacher.model.model.norm.weight.fill_(float("nan"))
    before = [weight.clone() for weight in teacher.master]
    ids = torch.zeros((2, 16), dtype=torch.long)
    with pytest.raises(FloatingPointError, match="the loss became nan"):
        teacher.step(ids, ids, 1.0)
    assert all((a == b).all() for a, b in zip(before, teacher.master, strict=True))


def test_parts_of_a_batch_give_the_same_step():
    import torch

    ids = torch.randint(0, 64, (4, 17), generator=torch.Generator().manual_seed(0))
    one, two = learner(), learner()
    losses = [each.step(ids[:, :-1], ids[:, 1:], 1.0, parts=n) for each, n in ((one, 1), (two, 2))]
    assert losses[0] == pytest.approx(losses[1], abs=1e-5)
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(one.master, two.master, strict=True))


def test_half_precision_keeps_full_precision_sums():
    import torch

    half = Learner(build_model(TINY, seed=1), Schedule(steps=1), half=True)
    assert half.model.dtype == torch.bfloat16
    assert all(weight.dtype == torch.float32 for weight in half.master)


@pytest.mark.parametrize(
    ("progress", "rate"), [(0.0, 0.01), (0.01, 0.5), (0.02, 1.0), (0.65, 1.0), (0.825, 0.5), (1, 0)]
)
def test_the_rate_warms_up_stays_and_falls(progress, rate):
    assert Schedule(steps=1).rate(progress) == pytest.approx(rate)


@pytest.mark.parametrize(("length", "context"), [(1, 8), (8, 8), (9, 8), (100, 8), (7, 512)])
def test_windows_count_every_token_once(length, context):
    counted = [
        p for start, first in windows(length, context) for p in range(first, min(length, start + context))
    ]
    assert counted == list(range(length))


def test_a_model_that_knows_nothing_needs_the_logarithm_of_its_vocabulary():
    import torch

    tokenizer = load_tokenizer("tailor-mini")
    model = build_model(Shape(64, 1, 64), seed=0)
    with torch.no_grad():
        model.model.embed_tokens.weight.zero_()
    text = "The sun rose over the hills and the valley. " * 30
    tokens = len(tokenizer.encode(text, add_special_tokens=False))
    found = bits_per_character(model, tokenizer, [text], context=64, begin=0)
    assert found == pytest.approx(13 * tokens / len(text), rel=1e-4)


def test_xz_gains_from_what_it_saw():
    assert xz_bits_per_character(["abc " * 50], ["abc " * 50]) < xz_bits_per_character(["abc " * 50])


def test_held_out_text_is_cut_alike_for_all(tmp_path):
    (tmp_path / "a.txt").write_text("x" * 900 + "\n<|endoftext|>\n" + "y" * 50)
    cut = read_held_out(tmp_path, 400)["a"]
    assert [len(text) for text in cut] == [50, 200]


def test_from_text_to_a_model_folder(tmp_path, monkeypatch):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    pages = [f"Page {n}. The {w} fox sees page {n + 1}." * 12 for n in range(60) for w in ("old", "red")]
    (corpus / "pages.txt").write_text("\n<|endoftext|>\n".join(pages))
    monkeypatch.setitem(recipe.SHAPES, "tailor-mini", Shape(64, 1, 64, vocabulary=280))
    recipe.prepare(corpus, tmp_path / "work", vocabulary=280)
    work = tmp_path / "work"
    recipe.pretrain(
        "tailor-mini", work, Schedule(steps=3, batch_tokens=512, rows_context=128), compiled=False
    )
    schedule = Schedule(steps=2, batch_tokens=1024, rows_context=256, long_from=2.0)
    recipe.teach_turns("tailor-mini", work, schedule, None, made=40)
    recipe.export("tailor-mini", work, tmp_path / "made", stage="chat")
    assert json.loads((work / "corpus.json").read_text())["pages"]["held_out_documents"] > 0
    source = resolve(tmp_path / "made")
    assert (source.architecture, source.context) == ("decoder", 512)
    model, tokenizer = load_model(source), load_tokenizer(source)
    assert len(tokenizer) == model.config.vocab_size == 280
    assert model.generation_config.eos_token_id == [tokenizer.convert_tokens_to_ids("<|end|>"), 0]
    assert (tmp_path / "made" / "SHA256SUMS").exists()
    shutil.rmtree(tmp_path / "made")


def test_a_deadline_is_counted_in_seconds_from_now():
    assert 0 <= recipe.seconds_until("03:00") < 86400
