"""The cleaning history as a list: entries with their counts, on and off, up and down, settings, undo and redo."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import ipywidgets as widgets
import traitlets

from tailor.blocks import Block, Callout
from tailor.data.cleaning.history import History
from tailor.data.cleaning.operation import Operation
from tailor.data.cleaning.plan import OPERATIONS
from tailor.errors import WorkbenchError
from tailor.html import FAINT, INK, LINE, safe, to_html
from tailor.records import Operation as Done
from tailor.settings import Described, describe
from tailor.ui.controls import Control, plain, settings_grid

_SMALL = widgets.Layout(width="34px", padding="0")
Statistics = Callable[[Operation], Sequence[Block]]


class HistoryBox(widgets.VBox):
    """Shows a history and lets a person edit it. Nothing is run here: the next cell does that.

    Attributes:
        value: the entries, as a tuple of operations; may be set.
        runs: how often a run was shown; whoever shows rows of the last run observes it.
        history: the same, with undo and redo. Whoever edits it calls `edited()` afterwards.
        done: number of an entry -> what the last run did there; set by `show_run`.
        columns: the data's columns, to choose from; none where there is no data yet.
        statistics: gives what an operation shows before a threshold is chosen; None where there is no data yet.
    """

    value = traitlets.Tuple()
    runs = traitlets.Int(0)

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.history = History(operations)
        self.statistics: Statistics | None = None
        self.columns: Sequence[str] = ()
        self.done: dict[int, Done] = {}
        self._ran: tuple[Operation, ...] = ()
        self.editor: _Editor | _AsText | None = None
        self._rows: list[_Row] = []
        self._list = widgets.VBox(layout=widgets.Layout(border=f"1px solid {LINE}"))
        self._editor = widgets.VBox()
        self._add = widgets.Dropdown(
            options=[("Add an operation …", ""), *((kind.title, name) for name, kind in OPERATIONS.items())],
            layout=widgets.Layout(width="280px"),
        )
        self.undo = _button("undo", "Take the last change of this list back", "Undo")
        self.redo = _button("repeat", "Make it again", "Redo")
        as_text = _button("file-text-o", "See the list as text, copy it, or paste another one", "As text")
        as_text.on_click(lambda _: self.show_text())
        bar = widgets.HBox([self._add, self.undo, self.redo, as_text])
        super().__init__([self._list, bar, self._editor], layout=widgets.Layout(width="100%"))
        self.add_class("tailor-history")
        self.value = self.history.operations
        self._add.observe(self._on_add, "value")
        self.undo.on_click(lambda _: self._change(self.history.undo))
        self.redo.on_click(lambda _: self._change(self.history.redo))
        self.observe(self._on_value, "value")
        self._show()

    # --- changes ---------------------------------------------------------------------------------------------------
    def edited(self) -> None:
        """Show what the history has become."""
        self.value = self.history.operations

    def show_run(self, ran: Sequence[Operation], done: Sequence[Done]) -> None:
        """Show beside each entry what it did in the last run; an entry changed or moved since shows nothing."""
        self._ran = tuple(ran)
        self.done = {item.number: item for item in done}
        self._show()
        self.runs += 1

    def _change(self, change: Callable, *args: Any, **settings: Any) -> None:
        change(*args, **settings)
        self.edited()

    def _on_value(self, _: Any) -> None:
        self.history.set(self.value)
        if isinstance(self.editor, _Editor) and not self.editor.follows(self.history.operations):
            self.fold()  # its number is another entry's now
        self._show()

    def _on_add(self, change: dict) -> None:
        if name := change["new"]:
            self._add.value = ""
            self._change(self.history.add, OPERATIONS[name]())
            self.show_settings(len(self.history.operations))

    # --- looks -----------------------------------------------------------------------------------------------------
    def _show(self) -> None:
        entries = self.history.operations
        while len(self._rows) < len(entries):
            self._rows.append(_Row(self, len(self._rows) + 1))
        for row, entry in zip(self._rows, entries, strict=False):
            number = row.number
            same = number <= len(self._ran) and self._ran[number - 1] == entry
            row.show(entry, self.done.get(number) if same else None, last=number == len(entries))
        boxes = tuple(row.box for row in self._rows[: len(entries)])
        if self._list.children != boxes:
            self._list.children = boxes
        self.undo.disabled, self.redo.disabled = not self.history.can_undo, not self.history.can_redo

    def show_settings(self, number: int) -> None:
        """Show the settings of an entry below the list."""
        entry = self.history.operations[number - 1]
        self.editor = _Editor(self, number, entry)
        self._editor.children = self.editor.children

    def show_text(self) -> None:
        """Show the list as text below it."""
        self.editor = _AsText(self)
        self._editor.children = self.editor.children

    def fold(self) -> None:
        """Put the settings of the entry away."""
        self.editor, self._editor.children = None, ()

    def told(self) -> str:
        """The entries, one a line, for an executed copy."""
        lines = []
        for number, entry in enumerate(self.history.operations, 1):
            changed = changed_settings(entry)
            off = " (off)" if entry.off else ""
            lines.append(f"{number}. {entry.title}{off}{': ' if changed else ''}{changed}")
        return "\n".join(lines)


class _Row:
    """One line of the list. Lines are made once and then show other entries: making widgets is what takes time."""

    def __init__(self, owner: HistoryBox, number: int) -> None:
        self.number = number
        self._busy = False
        history = owner.history
        self.on = widgets.Checkbox(
            indent=False, tooltip="Run this entry", layout=widgets.Layout(width="24px")
        )
        self.name = widgets.HTML(layout=widgets.Layout(flex="1 1 auto", min_width="0"))
        self.counts = widgets.HTML(layout=widgets.Layout(width="200px"))
        self.up = _button("arrow-up", "Run it earlier")
        self.down = _button("arrow-down", "Run it later")
        self.edit = _button("pencil", "Its settings")
        self.remove = _button("trash", "Take it out of the list")
        self.on.observe(lambda change: self._switch(owner, change["new"]), "value")
        self.up.on_click(lambda _: owner._change(history.move, number, number - 1))
        self.down.on_click(lambda _: owner._change(history.move, number, number + 1))
        self.edit.on_click(lambda _: owner.show_settings(number))
        self.remove.on_click(lambda _: owner._change(history.remove, number))
        self.box = widgets.HBox(
            [self.on, self.name, self.counts, self.up, self.down, self.edit, self.remove],
            layout=widgets.Layout(padding="0 6px", align_items="center"),
        )
        self.box.add_class("tailor-entry")

    def show(self, entry: Operation, done: Done | None, last: bool) -> None:
        self._busy = True
        self.on.value = not entry.off
        self._busy = False
        style = f"{FAINT};text-decoration:line-through" if entry.off else INK
        self.name.value = (
            f'<div style="line-height:1.35"><span style="{FAINT}">{self.number}.</span> '
            f'<span style="{style}" title="{safe(entry.__doc__ or "")}">{safe(entry.title)}</span> '
            f'<span style="{FAINT};font-size:12px">{safe(changed_settings(entry))}</span></div>'
        )
        self.counts.value = f'<span style="{FAINT};font-size:12px">{_counts(entry, done)}</span>'
        self.up.disabled, self.down.disabled = self.number == 1, last

    def _switch(self, owner: HistoryBox, on: bool) -> None:
        if not self._busy:
            owner._change(owner.history.switch, self.number, not on)


class _Editor:
    """The settings of one entry, its warning, and statistics before a threshold is chosen."""

    def __init__(self, owner: HistoryBox, number: int, entry: Operation) -> None:
        self._owner, self._number, self._entry = owner, number, entry
        self._changing = False
        self.controls = [
            Control(_with_columns(d, owner.columns, entry), getattr(entry, d.name))
            for d in describe(type(entry))
            if d.name != "off"
        ]
        for control in self.controls:
            control.widget.observe(self._on_change, "value")
        self._told = widgets.HTML()
        close = _button("check", "Fold these settings away", "Done")
        close.on_click(lambda _: owner.fold())
        look = _button("bar-chart", "Counted on the rows as they are now", "Statistics")
        look.on_click(lambda _: self._look())
        has_some = owner.statistics and type(entry).preview is not Operation.preview
        look.layout.display = None if has_some else "none"
        head = f'<div style="{INK};font-weight:600;margin-top:8px">{number}. {safe(entry.title)}</div>'
        text = f'<div style="{FAINT};max-width:90ch">{safe(" ".join((entry.__doc__ or "").split()))}</div>'
        warning = to_html(Callout(entry.warning, "warning")) if entry.warning else ""
        self._shown = widgets.HTML()
        self.children = (
            widgets.HTML(head + text + warning),
            settings_grid(self.controls),
            self._told,
            widgets.HBox([close, look]),
            self._shown,
        )

    def follows(self, entries: Sequence[Operation]) -> bool:
        """Whether the entry shown still has its number."""
        return self._changing or (len(entries) >= self._number and entries[self._number - 1] is self._entry)

    def _on_change(self, _: Any) -> None:
        self._changing = True
        try:
            values = {control.setting.name: control.read() for control in self.controls}
            self._owner._change(self._owner.history.change, self._number, **values)
            self._told.value = ""
        except (WorkbenchError, ValueError) as error:
            told = error.found if isinstance(error, WorkbenchError) else str(error)
            needed = f"; needed: {error.needed}" if isinstance(error, WorkbenchError) else ""
            self._told.value = to_html(Callout(f"Not taken over: {told}{needed}", "bad"))
        finally:
            self._changing = False
            self._entry = self._owner.history.operations[self._number - 1]

    def _look(self) -> None:
        entry = self._owner.history.operations[self._number - 1]
        try:
            blocks = self._owner.statistics(entry) if self._owner.statistics else []
        except WorkbenchError as error:
            blocks = [Callout(f"{error.found}. Needed: {error.needed}.", "bad")]
        none = '<span style="font-size:12px">This operation has no statistics to show.</span>'
        self._shown.value = "".join(map(to_html, blocks)) or none


def _with_columns(setting: Described, columns: Sequence[str], entry: Operation) -> Described:
    """The setting that names columns offers those of the data."""
    if setting.name != "columns" or not columns:
        return setting
    return replace(setting, choices=tuple(dict.fromkeys([*columns, *entry.columns])))


def _counts(entry: Operation, done: Done | None) -> str:
    """What the last run did there, in a few words; nothing where that was another entry."""
    if done is None or entry.off:
        return ""
    counts = ((done.changed, "changed"), (done.dropped, "dropped"))
    return " · ".join(f"{count:,} {word}" for count, word in counts if count) or "nothing to do"


class _AsText:
    """The list as YAML, to be read, copied, or replaced by another one."""

    def __init__(self, owner: HistoryBox) -> None:
        self._owner = owner
        self.text = widgets.Textarea(
            owner.history.to_yaml(), rows=14, layout=widgets.Layout(width="100%", max_width="900px")
        )
        self.told = widgets.HTML()
        take = _button("check", "Make the text above the list", "Take over")
        take.on_click(lambda _: self.take_over())
        close = _button("times", "Leave the list as it is", "Close")
        close.on_click(lambda _: owner.fold())
        about = "One entry an operation, with the settings that differ from the defaults. "
        about += (
            "Another list may be pasted: this text, Tailor's JSON, or what OpenRefine extracts (Undo / Redo)."
        )
        self.children = (
            widgets.HTML(f'<div style="{FAINT};max-width:90ch;margin-top:8px">{about}</div>'),
            self.text,
            widgets.HBox([take, close]),
            self.told,
        )

    def take_over(self) -> None:
        """Make the text the list; OpenRefine's operations are added behind it."""
        from tailor.data.cleaning.replay import read_history  # brings the readers along

        try:
            found = read_history(self.text.value)
        except WorkbenchError as error:
            self.told.value = to_html(Callout(f"{error.found}. Needed: {error.needed}. {error.fix}", "bad"))
            return
        before = () if found.replaces else self._owner.history.operations
        self._owner._change(self._owner.history.set, [*before, *found.operations])
        self.text.value = self._owner.history.to_yaml()
        self.told.value = "".join(to_html(Callout(note, "warning")) for note in found.notes)


def _button(icon: str, tooltip: str, text: str = "") -> widgets.Button:
    layout = widgets.Layout(width="auto") if text else _SMALL
    return widgets.Button(icon=icon, tooltip=tooltip, description=text, layout=layout)


def changed_settings(entry: Operation) -> str:
    """What an entry does, or its settings that differ from the defaults, in one short line."""
    values: Mapping[str, Any] = entry.model_dump(mode="json", exclude_defaults=True)
    shown = {name: value for name, value in values.items() if name not in ("operation", "off")}
    text = entry.in_words() or ", ".join(f"{n.replace('_', ' ')}: {plain(v)}" for n, v in shown.items())
    return text if len(text) <= 120 else text[:117] + "..."
