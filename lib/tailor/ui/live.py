"""What a running step shows in the notebook: one line of progress, notes, and curves that grow."""

import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tailor.html import FAINT, INK, safe
from tailor.progress import Log

_REDRAW_LINE = 0.2  # seconds: five times a second is as fast as anyone reads
_REDRAW_CURVE = 2.0


class NotebookLog(Log):
    """Shows progress, notes and curves below the cell, in place, and leaves one line and one figure.

    Args:
        step: the step's name, for the last line.
    """

    def __init__(self, step: str) -> None:
        self._step = step
        self._start = time.monotonic()
        self._what = ""
        self._since = self._start
        self._from = 0
        self._done: int = 0
        self._total: int | None = None
        self._notes: list[str] = []
        self._curves: dict[str, list[tuple[int, float]]] = defaultdict(list)
        self._line: Any = None
        self._figure: Any = None
        self._line_shown = self._figure_shown = float("-inf")

    # --- what the work tells ---------------------------------------------------------------------------------------
    def progress(self, done: int, total: int | None, what: str) -> None:
        if what != self._what or done < self._done:
            self._what, self._since, self._from = what, time.monotonic(), done
        self._done, self._total = done, total
        if done in (0, total) or time.monotonic() - self._line_shown >= _REDRAW_LINE:
            self._show_line(self._progress_text(), self._share())

    def note(self, text: str) -> None:
        self._notes.append(text)
        self._show_line(self._progress_text(), self._share())

    def point(self, series: str, step: int, value: float) -> None:
        self._curves[series].append((step, value))
        if time.monotonic() - self._figure_shown >= _REDRAW_CURVE:
            self._show_curves()

    def finish(self, failed: bool) -> None:
        """Put the last line and the last curves in place of the moving ones."""
        took = say_seconds(time.monotonic() - self._start)
        if failed:
            where = f", at {self._progress_text()}" if self._what else ""
            self._show_line(f"{self._step} stopped after {took}{where}", None)
        else:
            self._show_line(f"{self._step}: done in {took}", None)
        if self._curves:
            self._show_curves()

    # --- what is shown ---------------------------------------------------------------------------------------------
    def _share(self) -> float | None:
        return min(self._done / self._total, 1.0) if self._total else None

    def _progress_text(self) -> str:
        """ "scoring answers: 120 of 400, 31/s, 9 s left"."""
        text = f"{self._what}: {self._done:,}" + (f" of {self._total:,}" if self._total is not None else "")
        passed, moved = time.monotonic() - self._since, self._done - self._from
        if moved <= 0 or passed < 1:
            return text
        rate = moved / passed
        text += f", {say_rate(rate)}"
        left = (self._total - self._done) / rate if self._total is not None else 0
        return f"{text}, {say_seconds(left)} left" if left >= 1 else text

    def _show_line(self, text: str, share: float | None) -> None:
        self._line_shown = time.monotonic()
        bar = "" if share is None else _bar(share)
        notes = "".join(f'<div style="{FAINT}">{safe(note)}</div>' for note in self._notes)
        html = f'<div class="tex2jax_ignore mathjax_ignore" style="{INK};font-size:13px">{bar}{safe(text)}{notes}</div>'
        data = {"text/html": html, "text/plain": "\n".join([text, *self._notes])}
        self._line = _put(self._line, data, {})

    def _show_curves(self) -> None:
        from tailor.blocks import Figure
        from tailor.html import figure_png
        from tailor.plots import loss_curve

        figure = Figure(lambda: loss_curve(self._curves), f"Curves of {', '.join(self._curves)}")
        data = {"image/png": figure_png(figure), "text/plain": f"[Figure: {figure.alt}]"}
        self._figure = _put(self._figure, data, {"image/png": {"alt": figure.alt, "width": 720}})
        self._figure_shown = time.monotonic()


def _put(handle: Any, data: dict, metadata: dict) -> Any:
    """Display at first, later replace what was displayed."""
    from IPython.display import display

    if handle is None:
        return display(data, raw=True, metadata=metadata, display_id=True)
    handle.update(data, raw=True, metadata=metadata)
    return handle


def _bar(share: float) -> str:
    track = "width:220px;height:9px;background:var(--jp-layout-color3,#d8d8d8);border-radius:4px"
    return (
        f'<div style="display:inline-block;{track};margin-right:10px;vertical-align:middle">'
        f'<div style="width:{share:.1%};height:9px;background:#0072b2;border-radius:4px"></div></div>'
    )


def say_seconds(seconds: float) -> str:
    """ "0.4 s", "12 s", "3 min 20 s", "1 h 5 min"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def say_rate(per_second: float) -> str:
    """ "31/s", "2.5/s", or "12/min" where less than one is done in a second."""
    if per_second >= 10:
        return f"{per_second:,.0f}/s"
    return f"{per_second:.1f}/s" if per_second >= 1 else f"{per_second * 60:.0f}/min"


class TerminalLog(Log):
    """A tqdm bar for each kind of work, and notes above it, on standard error."""

    def __init__(self) -> None:
        self._bar: Any = None

    def progress(self, done: int, total: int | None, what: str) -> None:
        from tqdm import tqdm

        if self._bar is None or self._bar.desc.removesuffix(": ") != what or done < self._bar.n:
            self.close()
            self._bar = tqdm(total=total, desc=what, leave=False)
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def note(self, text: str) -> None:
        from tqdm import tqdm

        tqdm.write(text, file=sys.stderr)

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()


@contextmanager
def notebook_log(step_name: str) -> Iterator[Log]:
    """A log that fits the place: shown in a notebook, a bar on a terminal, silent where nobody looks."""
    if _in_notebook():
        shown = NotebookLog(step_name)
        try:
            yield shown
        except BaseException:
            shown.finish(failed=True)
            raise
        shown.finish(failed=False)
    elif sys.stderr.isatty():
        terminal = TerminalLog()
        try:
            yield terminal
        finally:
            terminal.close()
    else:
        yield Log()


def _in_notebook() -> bool:
    """Whether a Jupyter kernel runs this code. IPython on a terminal shows no HTML."""
    from IPython.core.getipython import get_ipython

    return hasattr(get_ipython(), "kernel")
