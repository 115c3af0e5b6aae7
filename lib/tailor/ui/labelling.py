"""Labelling by hand: one row at a time, keys for everything, every answer saved at once.

Its saving is the one write that a widget's callback may do: what a person typed must survive a closed browser.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anywidget
import ipywidgets as widgets
import traitlets

from tailor.data.labelling import KEYS, Session, open_session
from tailor.errors import WorkbenchError
from tailor.html import to_html
from tailor.plain import to_text

_HERE = Path(__file__).parent


class LabelCard(anywidget.AnyWidget):
    """The card in the browser: it shows `row` and tells what a person does; it decides nothing."""

    _esm = _HERE / "labelling.js"
    _css = _HERE / "labelling.css"

    task = traitlets.Unicode("classify").tag(sync=True)
    labels = traitlets.List(traitlets.Unicode()).tag(sync=True)
    shortcuts = traitlets.Unicode(KEYS).tag(sync=True)
    annotator = traitlets.Unicode("").tag(sync=True)
    row = traitlets.Dict().tag(sync=True)
    told = traitlets.Unicode("").tag(sync=True)


class Labelling:
    """Rows of 04_format_data to label, correct or write, those first where it matters most.

    Args:
        step: 04_format_data, opened.
        form: its form, whose columns count; the blueprint's where none is given.
        annotator: whose answers these are; can be typed into the card.
        rows: the most rows to walk through.
        labels: that can be given beside those in the data.

    Attributes:
        card: the widget.
        session: what it shows and saves; drives the same in a test.
    """

    def __init__(
        self, step: Any, form: Any = None, *, annotator: str = "", rows: int = 200, labels: Sequence[str] = ()
    ) -> None:
        settings = form.value if form else step.settings()
        self._start(open_session(step.project, settings, count=rows, labels=labels), annotator)

    def _start(self, session: Session, annotator: str) -> None:
        self._turn = 0
        self.session = session
        self.card = LabelCard(task=self.session.task, labels=self.session.labels)
        self.box = widgets.VBox([self.card])
        self.card.on_msg(self._receive)
        self.card.observe(lambda change: self._sign_in(change["new"]), "annotator")
        self.card.annotator = annotator
        self._show()

    def _sign_in(self, name: str) -> None:
        self.session.sign_in(name)
        self._show()

    def _receive(self, _: Any, content: dict, __: Any) -> None:
        do, value = content.get("do"), str(content.get("value", ""))
        told = ""
        try:
            if do in ("answer", "drop"):
                told = self.session.say(do, value)
            elif do == "undo":
                told = self.session.undo()
            elif do in ("next", "back"):
                self.session.move(1 if do == "next" else -1)
        except WorkbenchError as error:  # a full disk must be seen in the card: nobody reads the kernel's log
            told = f"Not saved: {error.found}. {error.fix}."
        self._show(told)

    def _show(self, told: str = "") -> None:
        """Answer the card; `turn` makes every answer a new one, so that the card knows that its key was heard."""
        self._turn += 1
        self.card.told = told
        self.card.row = self.session.state() | {"turn": self._turn}

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """The card where there are widgets, what was said so far as tables where there are none."""
        tables = self.session.tables()
        shown = {"text/html": "".join(map(to_html, tables)), "text/plain": "\n\n".join(map(to_text, tables))}
        return {**(self.box._repr_mimebundle_() or {}), **shown}
