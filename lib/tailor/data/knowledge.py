"""What 01 knows, as training rows and preference pairs: definitions, rewriting into the house's tone, broken rules.

One glossary, one list of guidelines and one tone sheet serve all along: here they become data, `house_rules` writes
the system prompt from them, `tailor.training.term_weights` lets their words count more, `style` measures answers by
them.
"""

import random
import re
from collections.abc import Sequence

from tailor.data.dataset import Example
from tailor.data.pattern_text import text_that_matches
from tailor.records import Guideline, Term, Tone, UseCase
from tailor.training.preferences import Pair, breaks

QUESTIONS = (
    "What is {term}?",
    "What does '{term}' mean?",
    "Please explain {term} to me.",
    "I read '{term}' in your message. What is that?",
    "Can you tell me in plain words what {term} means?",
    "Your letter mentions {term}, and I do not know the word.",
)
REWRITES = (
    "Rewrite this in our tone: {text}",
    "Say this the way we write to customers: {text}",
    "Please put this into plain and friendly words: {text}",
)
GLOSSARY, TONE = "glossary", "tone"


def knowledge_rows(use_case: UseCase, phrasings: int, seed: int) -> list[Example]:
    """Training rows for free answers from the glossary and the tone sheet.

    Args:
        phrasings: ways of asking for each term and of each pair of the tone sheet.
    """
    return definition_rows(use_case.glossary, phrasings, seed) + rewrite_rows(use_case.tone, phrasings, seed)


def definition_rows(glossary: Sequence[Term], phrasings: int, seed: int) -> list[Example]:
    """Questions for each term, asked by its own name or by a variant, and its definition as the answer."""
    rows = []
    for term in glossary:
        draw = random.Random(f"{seed}/{term.term}")
        names = [term.term, *(v for v in term.variants if len(v.split()) <= 3)]
        for number, question in enumerate(draw.sample(QUESTIONS, min(phrasings, len(QUESTIONS)))):
            asked = question.format(term=names[number % len(names)])
            name = f"{GLOSSARY}:{term.term}"
            answer = _sentence(term.definition)
            rows.append(Example(f"{name}:{number + 1}", asked, answer, source=GLOSSARY, parent=name))
    return rows


def rewrite_rows(tone: Tone, phrasings: int, seed: int) -> list[Example]:
    """Requests to rewrite each "before" of the tone sheet, and its "after" as the answer."""
    rows = []
    for place, pair in enumerate(tone.pairs, start=1):
        asks = random.Random(f"{seed}/{pair.before}").sample(REWRITES, min(phrasings, len(REWRITES)))
        rows += [
            Example(
                f"{TONE}:{place}:{number}",
                ask.format(text=pair.before),
                pair.after,
                source=TONE,
                parent=f"{TONE}:{place}",
            )
            for number, ask in enumerate(asks, start=1)
        ]
    return rows


# --- preference pairs ------------------------------------------------------------------------------------------------
def contrastive_pairs(rows: Sequence[Example], use_case: UseCase, per_rule: int, seed: int) -> list[Pair]:
    """Pairs of a complying and a breaking answer to the same message, for learning from preferences.

    Every guideline with a pattern gives up to `per_rule` pairs from rows whose answer keeps it: the answer as it is,
    and the same answer made to break this rule and no other by a change a person can see. The tone sheet's pairs
    follow, as requests to rewrite.
    """
    pairs = []
    for rule in use_case.guidelines:
        if not (rule.must_match or rule.must_not_match):
            continue
        order = random.Random(f"{seed}/{rule.id}").sample(range(len(rows)), len(rows))
        found = 0
        for place in order:
            if found == per_rule:
                break
            row = rows[place]
            broken = break_rule(rule, row.output, use_case.tone, random.Random(f"{seed}/{rule.id}/{row.id}"))
            if broken is not None and not _breaks_more(row.output, broken, rule, use_case.guidelines):
                name, said = f"{row.id}~{rule.id}", f"guideline: {rule.id}"
                pairs.append(Pair(name, row.input, row.output, broken, said, row.system, row.history))
                found += 1
    if per_rule:
        for row, pair in zip(rewrite_rows(use_case.tone, 1, seed), use_case.tone.pairs, strict=True):
            pairs.append(Pair(row.id, row.input, pair.after, pair.before, "tone"))
    return pairs


def _breaks_more(kept: str, broken: str, rule: Guideline, rules: Sequence[Guideline]) -> bool:
    """Whether the change broke a second rule too: then a pair would not say which of them it is about."""
    return any(other.id != rule.id and breaks(other, broken) and not breaks(other, kept) for other in rules)


def break_rule(rule: Guideline, answer: str, tone: Tone, draw: random.Random) -> str | None:
    """The answer changed so that it breaks a rule; None where it breaks it already, or no change would do.

    What a rule asks for is taken out, sentence by sentence. What it forbids is put in: a "before" of the tone sheet
    where one breaks the rule, else words made from the rule's own pattern.
    """
    if breaks(rule, answer):
        return None
    starts = [0, *(match.end() for match in re.finditer(r"[.!?]\s+", answer))]
    if rule.must_match:
        parts = [answer[a:b] for a, b in zip(starts, [*starts[1:], len(answer)], strict=True)]
        left = [part for part in parts if not re.search(rule.must_match, part, re.IGNORECASE)]
        changed = "".join(left).strip()
        return changed if changed and len(left) < len(parts) and breaks(rule, changed) else None
    for said in _forbidden(rule, tone, draw):
        at = draw.choice(starts)
        changed = f"{answer[:at]}{said} {answer[at:]}"
        if breaks(rule, changed):
            return changed
    return None


def _forbidden(rule: Guideline, tone: Tone, draw: random.Random) -> list[str]:
    """Sentences that break the rule, the most natural first."""
    only_this = Guideline(id=rule.id, text=rule.text, must_not_match=rule.must_not_match)
    said = [pair.before for pair in tone.pairs if breaks(only_this, pair.before)]
    draw.shuffle(said)
    if (words := text_that_matches(rule.must_not_match, draw)) is not None:
        said.append(_sentence(words[:1].upper() + words[1:]))
    return said


def _sentence(text: str) -> str:
    text = text.strip()
    return text if not text or text[-1] in ".!?" else f"{text}."


def weighted_terms(glossary: Sequence[Term]) -> list[str]:
    """The words whose tokens count more where term_weight is above 1: terms and their variants."""
    return sorted({word for term in glossary for word in (term.term, *term.variants)})
