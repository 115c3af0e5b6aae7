"""Errors written for the person at the keyboard: what was found, what was needed, one thing to do."""

from collections.abc import Iterable
from difflib import get_close_matches


class WorkbenchError(Exception):
    """A problem a person can mend, told in three lines.

    Args:
        found: what is there now, naming the file, row, setting, cell or notebook.
        needed: what would have been right.
        fix: one thing to do.
    """

    def __init__(self, found: str, needed: str, fix: str) -> None:
        self.found = found
        self.needed = needed
        self.fix = fix
        super().__init__(f"Found: {found}\nNeeded: {needed}\nDo: {fix}")

    def __reduce__(self) -> tuple:
        return type(self), (self.found, self.needed, self.fix)

    def _render_traceback_(self) -> list[str]:
        """Jupyter shows these lines in place of a stack trace."""
        return str(self).splitlines()


def did_you_mean(name: str, options: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for a near name, or an empty string.

    Args:
        name: what was given.
        options: the names that would have been accepted.
    """
    near = get_close_matches(str(name), [str(option) for option in options], n=1, cutoff=0.6)
    return f" Did you mean '{near[0]}'?" if near else ""
