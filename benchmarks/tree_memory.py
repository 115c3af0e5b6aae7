"""How much memory a process and all that it started hold together, watched from outside or from within."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread

import psutil

_EVERY = 1.0
"""Seconds between two looks."""


class TreeMemory:
    """The most memory that a process and its children had together while the block ran.

    Attributes:
        bytes: the highest sum; pages of files that are mapped count once for all (proportional set size).
        own_bytes: the highest sum without such pages, which the system takes back when memory is short.
    """

    def __init__(
        self, process: psutil.Process | None = None, over: Callable[[int], None] | None = None
    ) -> None:
        """Args:
        process: whose memory; this one's if not given.
        over: called with every sum of `own_bytes`; it may end the process.
        """
        self.bytes = self.own_bytes = 0
        self._process, self._over, self._end = process or psutil.Process(), over, Event()

    def __enter__(self) -> "TreeMemory":
        self._thread = Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._end.wait(_EVERY):
            every = own = 0
            with suppress(psutil.Error):
                for process in [self._process, *self._process.children(recursive=True)]:
                    with suppress(psutil.Error, OSError):
                        found = _held(process.pid)
                        every, own = every + found["Pss"], own + found["Pss_Anon"]
            self.bytes, self.own_bytes = max(self.bytes, every), max(self.own_bytes, own)
            if self._over:
                self._over(own)


def _held(pid: int) -> dict[str, int]:
    """Bytes by kind, as Linux tells them of one process."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="utf-8").splitlines()[1:]
    return {name: int(rest.split()[0]) * 1024 for name, _, rest in (line.partition(":") for line in lines)}
