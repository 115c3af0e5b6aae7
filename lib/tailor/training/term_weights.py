"""Term weighting: in an answer, the tokens of the glossary's words count more than the words around them.

A house's own words are few among many tokens, so the plain mean hardly notices whether a model gets them right.
"""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tailor.data.tokens import learned_span
from tailor.errors import WorkbenchError

if TYPE_CHECKING:
    from tailor.models.chat import EncodedChat


def term_pattern(terms: Sequence[str]) -> re.Pattern | None:
    """A pattern that finds the terms as whole words in any case, singular or English plural; the longest first."""
    words = sorted({" ".join(term.split()) for term in terms if term.strip()}, key=lambda t: (-len(t), t))
    if not words:
        return None
    either = "|".join(r"\s+".join(map(re.escape, word.split())) for word in words)
    return re.compile(rf"(?<!\w)(?:{either})(?:e?s)?(?!\w)", re.IGNORECASE)


class TermWeights:
    """The weight of each token of an answer.

    Args:
        terms: words and phrases that count more.
        weight: how many times as much as other tokens; 1 changes nothing.
    """

    def __init__(self, terms: Sequence[str], weight: float) -> None:
        self.weight = weight
        self.pattern = term_pattern(terms) if weight != 1 else None

    def of_tokens(self, tokenizer: Any, chat: "EncodedChat", answer: str) -> list[float] | None:
        """[t] weights beside the tokens of a chat that ends with `answer`; None where every token counts the same.

        Raises:
            WorkbenchError: the tokenizer cannot say which letters a token stands for.
        """
        if not self.pattern or not self.pattern.search(answer):
            return None
        start, end = learned_span(chat.learned)
        places = _letters_of_tokens(tokenizer, answer, chat.input_ids[start:end])
        weights = [1.0] * len(chat.input_ids)
        weights[start : start + len(places)] = self.of_places(answer, places)
        return weights

    def of_places(self, answer: str, places: Sequence[tuple[int, int]]) -> list[float]:
        """One weight a token, from the places in `answer` of its first letter and of the one after its last."""
        spans = [match.span() for match in self.pattern.finditer(answer)] if self.pattern else []
        return [
            self.weight if any(first < stop and last > begin for begin, stop in spans) else 1.0
            for first, last in places
        ]


def _letters_of_tokens(tokenizer: Any, answer: str, learned: list[int]) -> list[tuple[int, int]]:
    """For each of the answer's tokens the places of its first letter and of the one after its last."""
    from tailor.models.chat import letters_of_tokens

    fast = getattr(tokenizer, "is_fast", False)
    for lead in (
        ("", " ") if fast else ()
    ):  # some templates end with a blank, which is encoded together with the answer
        ids, places = letters_of_tokens(tokenizer, lead + answer)
        if ids == learned[: len(ids)]:
            # a token may take its leading blank along, which belongs to no word
            return [
                (first - len(lead) + _blanks(lead + answer, first, last), last - len(lead))
                for first, last in places
            ]
    raise WorkbenchError(
        f"the tokenizer {type(tokenizer).__name__} does not say which letters a token stands for",
        "that, in order to weigh the tokens of the glossary's words",
        "set 04_format_data.term_weight to 1, or choose another base model",
    )


def _blanks(text: str, first: int, last: int) -> int:
    piece = text[first:last]
    return len(piece) - len(piece.lstrip())
