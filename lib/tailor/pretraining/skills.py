"""Instruction rows made by rule for the second stage: general skills, no domain knowledge, no evaluation set.

Each skill is a function of a random generator that returns (instruction, answer). Answers follow from the instruction
alone, so a small model can learn *how* an answer relates to its prompt even where it knows little. Words, names and
sentence frames are this project's own. Nothing comes from banking, law, health or shops, which the workbench's
demonstrations use.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random

from tailor.pretraining.lexicon import (
    ANIMALS,
    COLOURS,
    FOODS,
    KINDS,
    NAMES,
    OPPOSITES,
    PAST,
    PLACES,
    PLURALS,
    THINGS,
    TONES,
    TOPICS,
    any_sentence,
    article,
    event,
    listing,
    tell,
)

Skill = Callable[[Random], tuple[str, str]]


def repeat(rng: Random) -> tuple[str, str]:
    text = any_sentence(rng)
    ask = rng.choice(
        ["Repeat this sentence exactly:", "Copy the following text:", "Write this again, unchanged:"]
    )
    return f"{ask} {text}", text


def answer_from_passage(rng: Random) -> tuple[str, str]:
    events = [event(rng) for _ in range(rng.randint(1, 3))]
    e = rng.choice(events)
    passage = " ".join(tell(x, rng) for x in events)
    same_name = sum(x["name"] == e["name"] for x in events) > 1
    same_thing = sum(x["thing"] == e["thing"] for x in events) > 1
    if same_name or same_thing:
        return f"{passage}\nHow many sentences are in this text?", str(len(events))
    what = f"the {e['thing']}"
    question, short = rng.choice([
        (f"Who {e['verb']} {what}?", e["name"]),
        (f"Where did {e['name']} {e['base']} {what}?", f"In the {e['place']}."),
        (f"When did {e['name']} {e['base']} {what}?", f"On {e['day']}."),
        (f"What did {e['name']} {e['base']}?", f"{article(e['adjective']).capitalize()} {e['thing']}."),
    ])  # fmt: skip
    form = rng.choice(["{p}\n{q}", "Passage: {p}\nQuestion: {q}", "Read the text and answer.\n{p}\n{q}"])
    return form.format(p=passage, q=question), short


def not_in_passage(rng: Random) -> tuple[str, str]:
    e = event(rng)
    other = rng.choice([n for n in NAMES if n != e["name"]])
    question = f"What did {other} {e['base']}?"
    return (
        f"{tell(e, rng)}\n{question} If the text doesn't say, answer 'The text does not say.'",
        "The text does not say.",
    )


def yes_or_no(rng: Random) -> tuple[str, str]:
    e = event(rng)
    asked = dict(e)
    if rng.random() < 0.5:
        asked["place"] = rng.choice([p for p in PLACES if p != e["place"]])
    question = f"Did {e['name']} {e['base']} the {e['thing']} in the {asked['place']}?"
    agree = "Yes" if asked["place"] == e["place"] else "No"
    if rng.random() < 0.4:
        return f"{tell(e, rng)}\n{question} Answer yes or no.", agree
    reason = f"{agree}, because {e['name']} {e['verb']} it in the {e['place']}."
    return f"{tell(e, rng)}\n{question} Give a reason.", reason


def classify(rng: Random) -> tuple[str, str]:
    table = rng.choice([TOPICS, TOPICS, TONES])
    labels = rng.sample(list(table), rng.randint(2, len(table)))
    label = rng.choice(labels)
    text = rng.choice(table[label])
    what = "tone" if table is TONES else "topic"
    form = rng.choice([
        "Classify the text as one of: {l}.\nText: {t}", "What is the {w} of this text? Choose from {l}.\n{t}",
        "Text: {t}\nLabels: {l}\nAnswer with one label.", "Give the {w} ({l}).\n{t}",
    ])  # fmt: skip
    return form.format(l=", ".join(labels), t=text, w=what), label


def classify_from_examples(rng: Random) -> tuple[str, str]:
    """Few-shot: the labels may be words without meaning, so that only the examples tell."""
    table = rng.choice([TOPICS, TONES, dict(KINDS.items())])
    labels = rng.sample(list(table), 2)
    shown = dict(zip(labels, rng.sample(["A", "B", "X", "Y", "one", "two"], 2), strict=True))
    if rng.random() < 0.6:
        shown = {label: label for label in labels}
    picks = [(rng.choice(table[label]), shown[label]) for label in labels * 2]
    rng.shuffle(picks)
    label = rng.choice(labels)
    text = rng.choice(table[label])
    a, b = rng.choice([("Text", "Label"), ("Input", "Output"), ("Q", "A")])
    lines = [f"{a}: {x}\n{b}: {y}" for x, y in picks]
    return "\n".join([*lines, f"{a}: {text}\n{b}:"]), shown[label]


def pattern_from_examples(rng: Random) -> tuple[str, str]:
    rule = rng.choice(
        [str.upper, lambda w: w + w[-1], lambda w: w[0], lambda w: f"the {w}", lambda w: f"[{w}]"]
    )
    words = rng.sample(THINGS + ANIMALS, 4)
    lines = [f"{w} -> {rule(w)}" for w in words[:3]]
    return "\n".join([*lines, f"{words[3]} ->"]), rule(words[3])


def extract(rng: Random) -> tuple[str, str]:
    e = event(rng)
    fields = rng.sample(["name", "thing", "place", "day"], rng.randint(1, 4))
    text = tell(e, rng)
    if rng.random() < 0.4:
        values = {field: e[field] for field in fields}
        return f"Extract {listing(fields)} as JSON.\n{text}", json.dumps(values)
    return f"Extract {listing(fields)} from the text, one per line.\n{text}", "\n".join(
        f"{f}: {e[f]}" for f in fields
    )


def list_words(rng: Random) -> tuple[str, str]:
    _kind, words = rng.choice(list(KINDS.items()))
    chosen = rng.sample(words, rng.randint(2, 5))
    form = rng.choice(["-", "1"])
    lines = [f"- {w}" if form == "-" else f"{i}. {w}" for i, w in enumerate(chosen, start=1)]
    style = "a bulleted list" if form == "-" else "a numbered list"
    return f"Write {listing(chosen)} as {style}.", "\n".join(lines)


def count_items(rng: Random) -> tuple[str, str]:
    words = rng.sample(THINGS + ANIMALS + FOODS, rng.randint(2, 7))
    return f"How many items are in this list? {', '.join(words)}", str(len(words))


def sort_words(rng: Random) -> tuple[str, str]:
    words = rng.sample(THINGS + ANIMALS, rng.randint(3, 5))
    return f"Sort these words alphabetically: {', '.join(words)}", ", ".join(sorted(words))


def pick_position(rng: Random) -> tuple[str, str]:
    words = rng.sample(THINGS + ANIMALS + COLOURS, 4)
    place, index = rng.choice([("first", 0), ("second", 1), ("third", 2), ("last", 3)])
    return f"What is the {place} word? {' '.join(words)}", words[index]


def change_case(rng: Random) -> tuple[str, str]:
    text = any_sentence(rng)
    if rng.random() < 0.5:
        return f"Write in capital letters: {text}", text.upper()
    return f"Write in lower case: {text}", text.lower()


def replace_word(rng: Random) -> tuple[str, str]:
    e = event(rng)
    new = rng.choice([t for t in THINGS if t != e["thing"]])
    text = tell(e, rng)
    return f"Replace '{e['thing']}' by '{new}' in: {text}", text.replace(e["thing"], new)


def word_form(rng: Random) -> tuple[str, str]:
    kind = rng.randint(0, 3)
    if kind == 0:
        word, other = rng.choice(list(OPPOSITES.items()))
        if rng.random() < 0.5:
            word, other = other, word
        return rng.choice([f"What is the opposite of '{word}'?", f"Give an antonym of {word}."]), other
    if kind == 1:
        word, other = rng.choice(list(PLURALS.items()))
        return f"What is the plural of '{word}'?", other
    if kind == 2:
        past, base = rng.choice(list(PAST.items()))
        return f"What is the past tense of '{base}'?", past
    kind_name = rng.choice(list(KINDS))
    word = rng.choice(KINDS[kind_name])
    return f"Is '{word}' {article(kind_name)}? Answer yes or no.", "Yes"


def odd_one_out(rng: Random) -> tuple[str, str]:
    a, b = rng.sample(["animal", "colour", "food", "day of the week"], 2)
    words = [*rng.sample(KINDS[a], 3), rng.choice(KINDS[b])]
    odd = words[-1]
    rng.shuffle(words)
    return f"Which word doesn't belong? {', '.join(words)}", odd


def to_question(rng: Random) -> tuple[str, str]:
    e = event(rng)
    text = f"{e['name']} {e['verb']} the {e['thing']}."
    return f"Turn this sentence into a question: {text}", f"Did {e['name']} {e['base']} the {e['thing']}?"


def negate(rng: Random) -> tuple[str, str]:
    e = event(rng)
    text = f"{e['name']} {e['verb']} the {e['thing']} in the {e['place']}."
    return (
        f"Say the opposite: {text}",
        f"{e['name']} did not {e['base']} the {e['thing']} in the {e['place']}.",
    )


def shorten(rng: Random) -> tuple[str, str]:
    e = event(rng)
    return f"Summarize in a few words: {tell(e, rng)}", f"{e['name']} {e['verb']} {article(e['thing'])}."


def add_numbers(rng: Random) -> tuple[str, str]:
    a, b = rng.randint(0, 20), rng.randint(0, 20)
    if rng.random() < 0.5 and a >= b:
        return f"What is {a} minus {b}?", str(a - b)
    return rng.choice([f"What is {a} plus {b}?", f"{a} + {b} = ?"]), str(a + b)


def compare(rng: Random) -> tuple[str, str]:
    a, b = rng.sample(range(1, 100), 2)
    return f"Which number is larger, {a} or {b}?", str(max(a, b))


def describe(rng: Random) -> tuple[str, str]:
    e = event(rng)
    facts = {
        "who": e["name"],
        "what": f"{e['adjective']} {e['thing']}",
        "where": e["place"],
        "when": e["day"],
    }
    notes = "; ".join(f"{k}: {v}" for k, v in facts.items())
    return f"Write one sentence from these notes. {notes}; action: {e['verb']}", tell(e)


SKILLS: tuple[Skill, ...] = (
    repeat, answer_from_passage, answer_from_passage, not_in_passage, yes_or_no, classify, classify,
    classify_from_examples, classify_from_examples, pattern_from_examples, extract, extract, list_words, count_items,
    sort_words, pick_position, change_case, replace_word, word_form, odd_one_out, to_question, negate, shorten,
    add_numbers, compare, describe,
)  # fmt: skip
SYSTEM_PROMPTS = (
    "You are a helpful assistant.", "Answer briefly.", "Follow the instruction exactly.", "Be polite and clear.",
    "Answer with as few words as possible.", "You help people with short tasks.",
)  # fmt: skip
GREETINGS = {
    "Hello!": "Hello! How can I help you?", "Hi there": "Hi! What can I do for you?",
    "Good morning": "Good morning! How can I help?", "Thank you.": "You're welcome.", "Thanks!": "You're welcome!",
    "Goodbye.": "Goodbye!", "Who are you?": "I am a small language model. I make mistakes, so please check my answers.",
    "Can you help me?": "I will try. What do you need?",
}  # fmt: skip


def make_conversation(rng: Random) -> list[dict[str, str]]:
    """Return one conversation of one to three exchanges, with a system prompt in two of five."""
    messages = []
    if rng.random() < 0.4:
        messages.append({"role": "system", "content": rng.choice(SYSTEM_PROMPTS)})
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        ask, answer = rng.choice(SKILLS)(rng) if rng.random() < 0.95 else rng.choice(list(GREETINGS.items()))
        messages += [{"role": "user", "content": ask}, {"role": "assistant", "content": answer}]
    return messages


def make_conversations(count: int, *, seed: int) -> list[list[dict[str, str]]]:
    """Return ``count`` conversations; the same seed gives the same ones."""
    rng = Random(seed)
    return [make_conversation(rng) for _ in range(count)]
