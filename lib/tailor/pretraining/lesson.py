"""What the lesson on base models needs: a corpus that writes itself, and a look into a model's text.

The stories are made by rule from a few hundred words, so that a model of a hundred thousand parameters can learn them
in a minute, no licence is involved, and anybody can see what was learned and what was only copied.
"""

from __future__ import annotations

import re
from random import Random
from typing import TYPE_CHECKING

import numpy as np

from tailor.blocks import Figure
from tailor.plots import BLUE, GREY
from tailor.pretraining.lexicon import ADJECTIVES, ANIMALS, DAYS, NAMES, PLACES, THINGS, article
from tailor.pretraining.packing import Mixture

if TYPE_CHECKING:
    from tailor.pretraining.checkpoint import Progress

_OPENINGS = ("Once there was {a} who lived near the {place}.", "On {day}, {name} went to the {place}.",
             "{name} had {thing} and a friend, {a}.", "Far away, behind the {place}, lived {a}.")  # fmt: skip
_EVENTS = ("One morning {name} found {thing} in the {place}.", "But {thing} was missing.", "It began to rain.",
           "\"Have you seen {thing}?\" asked {name}.", "\"No,\" said {a}, \"but I will help you look.\"",
           "They looked in the {place}, and then in the {other}.", "The road to the {other} was long.",
           "{name} was tired, but did not give up.", "At last they saw {thing} under a tree.")  # fmt: skip
_ENDINGS = ("They were very happy and went home.", "From that day on, they were friends.",
            "And on {day} they met again in the {place}.", "That night everybody slept well.")  # fmt: skip


def make_stories(count: int, *, seed: int) -> list[str]:
    """Return ``count`` little stories of five to nine sentences; the same seed gives the same stories."""
    rng = Random(seed)
    return [_story(rng) for _ in range(count)]


def _story(rng: Random) -> str:
    parts = {
        "a": article(f"{rng.choice(ADJECTIVES)} {rng.choice(ANIMALS)}"),
        "thing": article(f"{rng.choice(ADJECTIVES)} {rng.choice(THINGS)}"),
        "name": rng.choice(NAMES), "place": rng.choice(PLACES), "other": rng.choice(PLACES), "day": rng.choice(DAYS),
    }  # fmt: skip
    events = sorted(rng.sample(range(len(_EVENTS)), rng.randint(3, 7)))
    lines = [rng.choice(_OPENINGS), *(_EVENTS[i] for i in events), rng.choice(_ENDINGS)]
    return " ".join(line.format(**parts) for line in lines)


def mixture_of(documents: list[str], tokenizer, *, seed: int) -> Mixture:
    """Return batches of these documents, without files: every document is followed by the end-of-text token."""
    ids: list[int] = []
    for text in documents:
        ids += tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True, verbose=False)
        ids.append(tokenizer.eos_token_id)
    return Mixture({"stories": np.array(ids, dtype=np.uint16)}, seed=seed)


def continue_text(
    model, tokenizer, start: str, *, tokens: int = 60, temperature: float = 0.8, seed: int = 1
) -> str:
    """Return ``start`` and what the model writes after it; a temperature of 0 always takes the likeliest token."""
    import torch

    torch.manual_seed(seed)
    ids = torch.tensor([[tokenizer.eos_token_id, *tokenizer.encode(start, add_special_tokens=False)]])
    how = {"do_sample": True, "temperature": temperature} if temperature else {"do_sample": False}
    with torch.inference_mode():
        out = model.eval().generate(
            ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=tokens,
            pad_token_id=tokenizer.pad_token_id,
            **how,
        )
    return tokenizer.decode(out[0], skip_special_tokens=True)


def sentences(text: str) -> list[str]:
    """Divide text at sentence ends."""
    return [part.strip() for part in re.split(r"(?<=[.?!])\s+(?=[A-Z\"])", text) if part.strip()]


def copied_share(text: str, documents: list[str]) -> float:
    """Return the share of ``text``'s sentences that stand word for word in ``documents``."""
    known = {sentence for document in documents for sentence in sentences(document)}
    found = sentences(text)
    return sum(sentence in known for sentence in found) / max(1, len(found))


def plot_losses(progress: Progress, log_every: int, chance: float) -> Figure:
    """Return a figure of the loss over training steps, beside what blind guessing would give (nats per token)."""
    steps = [log_every * (number + 1) for number in range(len(progress.losses))]

    def draw():
        from matplotlib.figure import Figure as Canvas

        figure = Canvas(figsize=(7.2, 3.2), layout="constrained")
        axes = figure.subplots()
        axes.plot(steps, progress.losses, color=BLUE, label="loss on training rows")
        axes.axhline(chance, color=GREY, linestyle="--", label=f"guessing: {chance:.2f}")
        axes.set(xlabel="step", ylabel="nats per token", ylim=(0, chance * 1.08))
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        return figure

    last = progress.losses[-1]
    return Figure(
        draw, f"Loss over {progress.step} steps: from {progress.losses[0]:.2f} to {last:.2f} nats per token"
    )
