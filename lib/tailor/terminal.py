"""What the headless series shows in a terminal: a bar for people, plain lines for log files."""

import json
import sys
import textwrap
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, TextIO

from tailor.project import State
from tailor.settings import Described, Settings, describe

_POLL_SECONDS = 0.25
_QUIET_SECONDS = 30.0


class SeriesDisplay:
    """Tells where the series is: a tqdm bar on a terminal, one line an event (and every 30 s) elsewhere.

    Args:
        total: how many steps the series has.
        progress_file: where the running step's kernel writes its progress (tailor.progress.FileLog).
        stream: where to write.
    """

    def __init__(self, total: int, progress_file: Path, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.progress_file = progress_file
        self.live = self.stream.isatty()
        self.total = total
        self._number = 0
        self._step = ""
        self._started = 0.0
        self._stop = threading.Event()
        self._bar: Any = None
        if self.live:
            from tqdm import tqdm

            shape = "{desc} |{bar:20}| {n_fmt}/{total_fmt} [{elapsed}]{postfix}"
            self._bar = tqdm(total=total, file=self.stream, bar_format=shape, dynamic_ncols=True, leave=False)
        self._watcher = threading.Thread(target=self._watch, daemon=True)
        self._watcher.start()

    def __enter__(self) -> "SeriesDisplay":
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._watcher.join()
        if self._bar is not None:
            self._bar.close()

    def line(self, text: str) -> None:
        """Write a line that stays."""
        if self._bar is not None:
            self._bar.write(text, file=self.stream)
        else:
            print(text, file=self.stream, flush=True)

    def skipped(self, step: str) -> None:
        self._advance()
        self.line(f"{self._count()} {step}: up to date")

    def started(self, step: str, why: str) -> None:
        self.progress_file.unlink(missing_ok=True)  # what the step before said last is no news of this one
        self._step, self._started = step, time.monotonic()
        if self._bar is not None:
            self._bar.set_description_str(step)
            self._bar.set_postfix_str(f"starting ({why})")
        else:
            self.line(f"{self._count(1)} {step}: running ({why})")

    def finished(self, step: str, seconds: float) -> None:
        self._step = ""
        self._advance()
        self.line(f"{self._count()} {step}: done in {seconds:.1f} s")

    def _advance(self) -> None:
        self._number += 1
        if self._bar is not None:
            self._bar.update(1)
            self._bar.set_postfix_str("")

    def _count(self, ahead: int = 0) -> str:
        return f"[{self._number + ahead}/{self.total}]"

    def _watch(self) -> None:
        told = time.monotonic()
        while not self._stop.wait(_POLL_SECONDS):
            step = self._step
            if not step:
                told = time.monotonic()
                continue
            if self._bar is not None:
                self._bar.set_postfix_str(_doing(self.progress_file))
            elif time.monotonic() - told >= _QUIET_SECONDS:
                told = time.monotonic()
                seconds = told - self._started
                self.line(f"{self._count(1)} {step}: {_doing(self.progress_file)} ({seconds:.0f} s)")


def _doing(path: Path) -> str:
    """What the running step says it does, in a few words."""
    try:
        now = json.loads(path.read_text(encoding="utf-8"))
        of = f" of {now['total']:,}" if now["total"] else ""
        return f"{now['what']}: {now['done']:,}{of}"
    except (OSError, ValueError, KeyError, TypeError):
        return "working"


def states_text(states: list[State]) -> str:
    """The steps of a project, where each stands and why."""
    return "\n".join(f"{state.step:25s}  {state.state:7s}  {state.reason}" for state in states)


def settings_text(step: str, model: type[Settings]) -> str:
    """Every setting of a step as plain text, to be read or copied into a blueprint."""
    described = describe(model)
    if not described:
        return f"{step} has no settings."
    return "\n\n".join("\n".join(_setting_lines(item)) for item in described)


def _setting_lines(item: Described) -> list[str]:
    if item.control == "history":
        return _history_lines(item)
    first = f"{item.name}: {'must be given' if item.required else json.dumps(item.default, default=str)}"
    lines = [first, *textwrap.wrap(item.explain, 100, initial_indent="    ", subsequent_indent="    ")]
    if item.choices:
        lines.append(f"    one of: {', '.join(str(choice) for choice in item.choices)}")
    if item.low is not None or item.high is not None:
        lines.append(f"    {_bounds(item.low, item.high)}")
    lines += [f"    {word}: {text}" for word, text in (("unit", item.unit), ("source", item.source)) if text]
    return lines


def _history_lines(item: Described) -> list[str]:
    """The standard history with the path of each setting, and what can be added to it."""
    from tailor.data.cleaning.plan import OPERATIONS

    lines = [
        f"{item.name}:",
        *textwrap.wrap(item.explain, 100, initial_indent="    ", subsequent_indent="    "),
    ]
    for number, entry in enumerate(item.default, 1):
        lines.append(f"  {number}. {entry.name}: {entry.title}")
        for own in describe(type(entry)):
            if own.name not in ("off", "columns"):
                path = replace(own, name=f"{item.name}.{entry.name}.{own.name}")
                lines += [f"    {line}" for line in _setting_lines(path)]
    others = [name for name in OPERATIONS if name not in {entry.name for entry in item.default}]
    every = f"Every entry has {item.name}.NAME.off and .columns. Can be added: {', '.join(others)}."
    return [*lines, *textwrap.wrap(every, 100, initial_indent="    ", subsequent_indent="    ")]


def _bounds(low: float | None, high: float | None) -> str:
    if high is None:
        return f"at least {low:g}"
    return f"at most {high:g}" if low is None else f"{low:g} to {high:g}"
