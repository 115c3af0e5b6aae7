"""How long work tells where it is: to a notebook's cell, to the runner's bar, or to nobody."""

import json
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

Item = TypeVar("Item")


class Log:
    """Receives progress, notes and measured points. This base class is silent; notebooks show, the runner listens."""

    def progress(self, done: int, total: int | None, what: str) -> None:
        """`done` of `total` units of `what` are finished."""

    def note(self, text: str) -> None:
        """One plain sentence worth reading now."""

    def point(self, series: str, step: int, value: float) -> None:
        """A measured value for a live curve: series "training loss", at optimizer step `step`."""

    def track(self, items: Iterable[Item], what: str, total: int | None = None) -> Iterator[Item]:
        """Pass items through, reporting progress after each."""
        if total is None and hasattr(items, "__len__"):
            total = len(items)  # type: ignore[arg-type]
        self.progress(0, total, what)
        for done, item in enumerate(items, start=1):
            yield item
            self.progress(done, total, what)


class FileLog(Log):
    """Writes the latest progress to a small file, which the runner's bar reads (at most five times a second)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._last = 0.0

    def progress(self, done: int, total: int | None, what: str) -> None:
        now = time.monotonic()
        if now - self._last < 0.2 and done not in (0, total):
            return
        self._last = now
        temporary = self.path.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps({"done": done, "total": total, "what": what}), encoding="utf-8")
        os.replace(temporary, self.path)


class Logs(Log):
    """Sends everything to several logs."""

    def __init__(self, *logs: Log) -> None:
        self.logs = logs

    def progress(self, done: int, total: int | None, what: str) -> None:
        for log in self.logs:
            log.progress(done, total, what)

    def note(self, text: str) -> None:
        for log in self.logs:
            log.note(text)

    def point(self, series: str, step: int, value: float) -> None:
        for log in self.logs:
            log.point(series, step, value)
