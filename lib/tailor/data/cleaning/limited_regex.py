"""Regular expressions that somebody else wrote: checked when they are read, and stopped when they take too long."""

import time
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

from tailor.errors import WorkbenchError

LONGEST = 1_000
"""Characters a pattern may have."""
_ONE_TEXT = 1.0
_SLOW = 0.01
_SLOW_IN_ALL = 20.0


class LimitedPattern:
    """A compiled pattern whose every use is limited in time.

    `(a+)+b` on a row of a's would take longer than the universe has lasted. One text gets a second; texts that take
    over 10 ms get 20 seconds between them, so that a million slow rows cannot hang a run either.

    Args:
        text: the pattern as it was given.
        where: what to name in an error ("operation 3 of history.json", "own_patterns.contract").
        ignore_case: letters match whatever their case.
        java: as Java understands it: `\\w`, `\\d`, `\\s` and `\\b` know ASCII only.

    Raises:
        WorkbenchError: too long, or not a regular expression.
    """

    def __init__(self, text: str, where: str, *, ignore_case: bool = False, java: bool = False) -> None:
        self.text = text
        self.where = where
        self._left = _SLOW_IN_ALL
        self._compiled = _compile(text, where, ignore_case, java)

    @property
    def groups(self) -> int:
        return self._compiled.groups

    @property
    def names(self) -> dict[str, int]:
        return dict(self._compiled.groupindex)

    def search(self, text: str) -> Any:
        return self._limited(self._compiled.search, text)

    def fullmatch(self, text: str) -> Any:
        return self._limited(self._compiled.fullmatch, text)

    def matches(self, text: str) -> list[Any]:
        """All matches, from left to right."""
        return self._limited(lambda text, timeout: list(self._compiled.finditer(text, timeout=timeout)), text)

    def _limited(self, work: Callable, text: str) -> Any:
        begun = time.thread_time()
        try:
            found = work(text, timeout=min(_ONE_TEXT, self._left))
        except TimeoutError:
            raise self._too_slow(text) from None
        spent = time.thread_time() - begun
        if spent > _SLOW:
            self._left -= spent
            if self._left <= 0:
                raise self._too_slow(text)
        return found

    def _too_slow(self, text: str) -> WorkbenchError:
        return WorkbenchError(
            f"the pattern {self.text!r} of {self.where} takes too long (the last text had {len(text):,} characters)",
            "a pattern that is done within a second on every row",
            "rewrite it without a repetition inside a repetition, such as (a+)+",
        )

    def __reduce__(self) -> tuple:
        flags = self._compiled.flags
        import regex

        return _again, (self.text, self.where, bool(flags & regex.IGNORECASE), bool(flags & regex.ASCII))


def _again(text: str, where: str, ignore_case: bool, java: bool) -> LimitedPattern:
    return LimitedPattern(text, where, ignore_case=ignore_case, java=java)


@lru_cache(maxsize=256)
def _compile(text: str, where: str, ignore_case: bool, java: bool) -> Any:
    import regex

    if len(text) > LONGEST:
        raise WorkbenchError(
            f"the pattern of {where} has {len(text):,} characters",
            f"at most {LONGEST:,}",
            "shorten it, or split it into several",
        )
    flags = (regex.IGNORECASE if ignore_case else 0) | (regex.ASCII if java else 0)
    try:
        return regex.compile(text, flags | regex.VERSION0)
    except (regex.error, RecursionError, OverflowError) as error:
        raise WorkbenchError(
            f"the pattern {text!r} of {where} is no regular expression ({error})",
            "a pattern such as K-\\d{6}",
            "correct the pattern",
        ) from None


def java_replacement(template: str) -> Callable[[Any], str]:
    """What Java's replaceAll does with `$1`, `${name}`, `\\$` and `\\\\`.

    Raises:
        ValueError: `$` without a group, or a group the pattern does not have.
    """
    pieces = list(_replacement_pieces(template))

    def replace(match: Any) -> str:
        out = []
        for literal, group in pieces:
            if group is None:
                out.append(literal)
            elif isinstance(group, str):
                out.append(match[group] or "")
            else:
                out.append(_numbered(match, group))
        return "".join(out)

    return replace


def _replacement_pieces(template: str) -> Iterator[tuple[str, str | list[int] | None]]:
    place = 0
    while place < len(template):
        sign = template[place]
        if sign == "\\":
            if place + 1 == len(template):
                raise ValueError("a lone backslash at the end")
            yield template[place + 1], None
            place += 2
        elif sign == "$":
            rest = template[place + 1 :]
            if rest.startswith("{") and "}" in rest:
                name = rest[1 : rest.index("}")]
                yield "", name
                place += len(name) + 3
            else:
                digits = [int(d) for d in _leading_digits(rest)]
                if not digits:
                    raise ValueError("$ without a group")
                yield "", digits
                place += 1 + len(digits)
        else:
            yield sign, None
            place += 1


def _leading_digits(text: str) -> str:
    end = 0
    while end < len(text) and text[end] in "0123456789":
        end += 1
    return text[:end]


def _numbered(match: Any, digits: list[int]) -> str:
    """`$12` is group 12 where there is one, else group 1 and the text "2"."""
    group, used = digits[0], 1
    while used < len(digits) and group * 10 + digits[used] <= match.re.groups:
        group, used = group * 10 + digits[used], used + 1
    return (match[group] or "") + "".join(map(str, digits[used:]))
