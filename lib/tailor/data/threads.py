"""Rows that are single turns, brought together into conversations: chats with one turn a row, e-mails of a thread."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from tailor.data.conversations import SPEAKERS, Conversation, Turn, join_turns, mail_domain
from tailor.errors import WorkbenchError

_REPLY = re.compile(r"^(\s*(re|fwd?|aw|wg|antw|sv|tr|rv)\s*(\[\d+\])?\s*:)+\s*", re.IGNORECASE)
_QUOTED = re.compile(
    r"\n+\s*(-{2,}\s*original message\s*-{2,}|on [^\n]{1,200} wrote:\s*(\n|$)|>|_{10,}\s*\nfrom:).*",
    re.IGNORECASE | re.DOTALL,
)
_LEAST_ANSWERED = 0.5


@dataclass(frozen=True)
class Thread:
    """One conversation: its rows in the order in which they were said, and its exchanges or why there are none."""

    key: str
    places: list[int]
    read: Conversation | str


def read_threads(
    threads: Sequence[str],
    speakers: Sequence[str],
    texts: Sequence[str],
    turns: Sequence[str],
    assistant: str = "",
) -> tuple[list[Thread], list[str]]:
    """Join rows into conversations.

    Args:
        threads: what is the same in the rows of one conversation; of e-mails also the subject, whose "Re:" is ignored.
        turns: numbers that order the rows of a thread; where one is missing, the order of the rows counts.
        assistant: the speaker (or the domain of e-mail addresses) whose words are learned; "" to guess.

    Returns:
        The conversations in order of their first rows, and sentences on what was left out.

    Raises:
        WorkbenchError: no speaker can be told to be the assistant.
    """
    rows: dict[str, list[int]] = defaultdict(list)
    for place, key in enumerate(threads):
        rows[_REPLY.sub("", key).strip() or f"row {place}"].append(place)
    ordered = {key: _in_order(places, turns) for key, places in rows.items()}
    who = assistant or _answering([[speakers[p] for p in places] for places in ordered.values()])
    is_mail = any(mail_domain(speaker) for speaker in speakers)
    found, left_out = [], Counter()
    for key, places in ordered.items():
        said = [Turn(speakers[p] or "?", _without_quotes(texts[p]) if is_mail else texts[p]) for p in places]
        read = join_turns(said, who)
        left_out.update(() if isinstance(read, str) else read.notes)
        found.append(Thread(key, places, read))
    notes = [f"{count:,} threads: {note}" for note, count in left_out.items()]
    return found, [*notes, *([f"the words of '{who}' are learned"] if who and not assistant else [])]


def _in_order(places: list[int], turns: Sequence[str]) -> list[int]:
    numbers = [re.fullmatch(r"\d+([.,]\d+)?", turns[place].strip()) for place in places]
    if not all(numbers):
        return places
    return sorted(places, key=lambda place: float(turns[place].replace(",", ".")))


def _without_quotes(text: str) -> str:
    """A mail without the mail it answers: that one stands in the thread as its own turn."""
    return _QUOTED.sub("", text).strip() or text


def _answering(threads: list[list[str]]) -> str:
    """Who answers others' openings in most threads; "" where the speakers' names say who is who.

    E-mail addresses count by their domain: a help desk has many people.
    """
    names = {name for thread in threads for name in thread}
    if all(SPEAKERS.get(name.strip().lower()) for name in names):
        return ""
    answered: Counter[str] = Counter()
    for thread in threads:
        keys = [mail_domain(name) or name for name in thread]
        answered.update(set(keys[1:]) - {keys[0]})
    several = sum(len(set(thread)) > 1 for thread in threads)
    best, count = max(answered.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    if not several or count < _LEAST_ANSWERED * several:
        shown = ", ".join(f"'{name[:40]}'" for name in sorted(names)[:5])
        raise WorkbenchError(
            f"it cannot be told which speaker gives the answers to learn ({shown}{' ...' * (len(names) > 5)})",
            "names such as user and assistant, or one speaker who answers in most threads",
            "name the speaker (or the domain of the e-mail addresses) in 04_format_data.assistant_speaker",
        )
    return best
