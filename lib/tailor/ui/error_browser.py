"""Reading answers one by one: worst, best, random, where models differ; with filters, and a note on each row.

A note's saving is a write inside a widget's callback, as labelling's is: what a person typed must survive a closed
browser.
"""

from typing import Any

import ipywidgets as widgets

from tailor.data.notes import FAULTS, LONGEST, Note, read_notes, save_note
from tailor.errors import WorkbenchError
from tailor.evaluation.errors_read import ANY, VIEWS, Answers, Filter, choices
from tailor.html import FAINT, INK, LINE, safe, to_html
from tailor.plain import to_text, visible

MOST_LISTED = 300
_BOX = (
    f"border:1px solid {LINE};border-radius:6px;padding:8px 12px;margin:0 0 8px 0;white-space:pre-wrap;"
    "line-height:1.4"
)


class ErrorBrowser:
    """The test rows that the models of 10_evaluate answered, to be read and noted on.

    Args:
        step: 10_evaluate, opened.

    Attributes:
        widgets: name -> control ("model", "view", "label", "mistake", "source", "contains", "noted", "rows", "fault",
            "note"); their `value` can be set by hand or in a test.
    """

    def __init__(self, step: Any) -> None:
        self.answers = Answers(step.project)
        self._loading = False
        wide = widgets.Layout(width="auto", min_width="180px")
        self.widgets: dict[str, Any] = {
            "model": widgets.Dropdown(
                options=[(title, run) for run, title in self.answers.titles.items()],
                value=self.answers.best,
                description="answers of",
                layout=wide,
            ),
            "view": widgets.ToggleButtons(
                options=VIEWS,
                style={"button_width": "auto"},
            ),
            "label": widgets.Dropdown(
                options=choices(self.answers.labels()), description="right label", layout=wide
            ),
            "mistake": widgets.Dropdown(options=[(ANY, ())], description="mistake", layout=wide),
            "source": widgets.Dropdown(
                options=choices(self.answers.sources()), description="source", layout=wide
            ),
            "contains": widgets.Text(
                placeholder="text in question or answer", description="contains", layout=wide
            ),
            "noted": widgets.Checkbox(description="with a note only", indent=False, layout=wide),
            "rows": widgets.Select(options=[], rows=14, layout=widgets.Layout(width="auto")),
            "fault": widgets.Dropdown(
                options=[(fault or "not said", fault) for fault in FAULTS],
                description="the fault",
                layout=widgets.Layout(width="auto"),
            ),
            "note": widgets.Textarea(
                placeholder="Your note on this row. It is saved when you leave the field.",
                continuous_update=False,
                layout=widgets.Layout(width="auto", height="70px"),
            ),
        }
        self._count, self._card, self._told = widgets.HTML(), widgets.HTML(), widgets.HTML()
        self._back, self._next = (
            widgets.Button(description=text, layout={"width": "90px"}) for text in ("← back", "next →")
        )
        self.box = self._lay_out()
        for name in ("model", "view", "label", "mistake", "source", "contains", "noted"):
            self.widgets[name].observe(self._choose, "value")
        self.widgets["rows"].observe(lambda _: self._show_row(), "value")
        for name in ("fault", "note"):
            self.widgets[name].observe(lambda _: self._save(), "value")
        self._back.on_click(lambda _: self._move(-1))
        self._next.on_click(lambda _: self._move(1))
        self._choose()

    def _lay_out(self) -> widgets.VBox:
        own = self.widgets
        labelled = ["label", "mistake"] if self.answers.labelled else []
        filters = [own[name] for name in (*labelled, "source", "contains", "noted")]
        wrap = widgets.Layout(flex_flow="row wrap", align_items="center")
        # the note stands beside the card, not under it: it stays in sight however long the answers are
        left = widgets.VBox(
            [own["rows"], widgets.HBox([self._back, self._next]), own["fault"], own["note"], self._told],
            layout=widgets.Layout(width="36%", min_width="280px"),
        )
        right = widgets.VBox([self._card], layout=widgets.Layout(width="62%", padding="0 0 0 12px"))
        box = widgets.VBox(
            [
                widgets.HBox([own["model"], widgets.Label("order"), own["view"]], layout=wrap),
                widgets.HBox(filters, layout=wrap),
                self._count,
                widgets.HBox([left, right], layout=widgets.Layout(align_items="flex-start")),
            ],
            layout=widgets.Layout(width="100%", max_width="1100px"),
        )
        box.add_class("tailor-errors")
        return box

    # --- which rows ------------------------------------------------------------------------------------------------
    def _choose(self, change: Any = None) -> None:
        """List the rows that the controls ask for, and show the first."""
        own, run = self.widgets, self.widgets["model"].value
        if change is None or change["owner"] is own["model"]:
            pairs = {
                f"{right} taken for {given} ({count} of {total})": (right, given)
                for right, given, count, total in self.answers.confusions(run)
            }
            own["mistake"].options = [(ANY, ()), *pairs.items()]
        right, given = own["mistake"].value or (own["label"].value, ANY)
        chosen = Filter(right, given, own["source"].value, own["contains"].value, own["noted"].value)
        places = self.answers.order(run, own["view"].value, chosen)
        self._count.value = f'<span style="{FAINT}">{_count(len(places))}</span>'
        options = [(self._line(run, place), place) for place in places[:MOST_LISTED]]
        own["rows"].options = options
        own["rows"].value = places[0] if places else None
        self._show_row()

    def _line(self, run: str, place: int) -> str:
        row = self.answers.row(run, place)
        noted = "✎ " if row["id"] in self._notes(run) else ""
        text = visible(" ".join(str(row["input"]).split()))
        return f"{noted}{row['answers'][0][2]} · {text[:70]}"

    def _move(self, by: int) -> None:
        rows = self.widgets["rows"]
        if rows.index is not None and 0 <= rows.index + by < len(rows.options):
            rows.index += by

    # --- one row ---------------------------------------------------------------------------------------------------
    def _show_row(self) -> None:
        own, run, place = self.widgets, self.widgets["model"].value, self.widgets["rows"].value
        if place is None:
            self._card.value = f'<div style="{_BOX};{FAINT}">No row fits these filters.</div>'
            self._fill(Note("", run))
            return
        row = self.answers.row(run, place)
        parts = [
            ("asked", f"{row['id']} · {row['source']}", row["input"]),
            ("right answer", "", row["reference"]),
        ]
        parts += [(title, how, text) for title, text, how in row["answers"]]
        self._card.value = "".join(_part(*part) for part in parts)
        self._fill(self._notes(run).get(row["id"], Note(row["id"], run)))
        own["note"].disabled = own["fault"].disabled = False

    def _fill(self, note: Note) -> None:
        """Show a note without saving it again."""
        self._loading = True
        self.widgets["fault"].value, self.widgets["note"].value = note.fault, note.text
        self.widgets["note"].disabled = self.widgets["fault"].disabled = not note.row_id
        self._loading, self._told.value = False, ""

    def _notes(self, run: str) -> dict[str, Note]:
        return {note.row_id: note for note in read_notes(self.answers.path)[0] if note.run == run}

    def _save(self) -> None:
        own, run, place = self.widgets, self.widgets["model"].value, self.widgets["rows"].value
        if self._loading or place is None:
            return
        ident = self.answers.tables[run]["id"][place]
        note = Note(ident, run, own["fault"].value, own["note"].value.strip()[:LONGEST])
        try:
            save_note(self.answers.path, note)
            told = "Saved. 13_refine reads it."
        except WorkbenchError as error:  # a full disk must be seen here: nobody reads the kernel's log
            told = f"Not saved: {error.found}. {error.fix}."
        self._told.value = f'<span style="{INK}">{safe(told)}</span>'

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """The browser where there are widgets, its views as tables where there are none."""
        tables = self.answers.tables_shown()
        shown = {"text/html": "".join(map(to_html, tables)), "text/plain": "\n\n".join(map(to_text, tables))}
        return {**(self.box._repr_mimebundle_() or {}), **shown}


def _count(rows: int) -> str:
    told = f"{rows:,} row{'s' * (rows != 1)}"
    return f"{told}; the first {MOST_LISTED} are listed" if rows > MOST_LISTED else told


def _part(title: str, note: str, text: str) -> str:
    """One text of the card, all of it escaped."""
    head = f'<b style="{INK}">{safe(title)}</b> <span style="{FAINT}">{safe(note)}</span>'
    return f'<div style="{FAINT};font-size:12px">{head}</div><div style="{_BOX};{INK}">{safe(text)}</div>'
