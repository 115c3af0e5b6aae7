"""A form made from a settings model: every label, bound, choice and help text comes from the fields.

Libraries that make ipywidgets from a model or JSON Schema were tried first: CONTRIBUTING.md says what was missing.
"""

from collections.abc import Callable
from typing import Any

import ipywidgets as widgets

from tailor.blocks import Block, Table
from tailor.errors import WorkbenchError
from tailor.html import FAINT, INK, safe, to_html
from tailor.plain import to_text
from tailor.settings import Settings, describe, make_settings
from tailor.ui.controls import Control, settings_grid, settings_help


class Form:
    """Shows settings and lets a person change them. It holds values only: the next cell does the work.

    Args:
        settings: the values to show.
        title: a line above the form.
        blockers: sentences on why these settings cannot be used; must be quick and write nothing.
        where: what the settings belong to, for errors ("03_clean_data").
        preview: what these settings would make, shown below the form and redrawn with every change; as quick, and
            writing as little, as `blockers`.

    Attributes:
        widgets: setting name -> the widget that shows it; its `value` can be set by hand or in a test.
    """

    def __init__(
        self,
        settings: Settings,
        title: str = "",
        blockers: Callable[[Any], list[str]] = lambda settings: [],
        where: str = "this form",
        preview: Callable[[Any], list[Block]] | None = None,
    ) -> None:
        self._given = settings
        self._model = type(settings)
        self._where = where
        self._title = title
        self._blockers = blockers
        self._described = describe(self._model)
        self._controls = {d.name: Control(d, getattr(settings, d.name)) for d in self._described}
        self.widgets = {name: control.widget for name, control in self._controls.items()}
        self._status = widgets.HTML()
        self._preview = preview
        self._previewed = widgets.HTML()
        self.box = widgets.VBox(self._rows(), layout=widgets.Layout(width="100%", max_width="1100px"))
        self.box.add_class("tailor-form")
        for widget in self.widgets.values():
            widget.observe(self._refresh, "value")
        self._refresh()

    # --- values ----------------------------------------------------------------------------------------------------
    @property
    def value(self) -> Any:
        """The settings shown, as an immutable object; the very one given as long as nothing was changed.

        Raises:
            WorkbenchError: a value is not accepted; names the setting.
        """
        if not self.changed:
            return self._given
        values = {name: self._read(control) for name, control in self._controls.items()}
        return make_settings(self._model, values, self._where)

    @property
    def changed(self) -> list[str]:
        """Names of the settings that show something else than what was given."""
        return [name for name, control in self._controls.items() if control.touched]

    @property
    def problems(self) -> list[str]:
        """Why these settings cannot be used, in plain sentences; empty when they can."""
        try:
            return self._blockers(self.value)
        except WorkbenchError as error:
            parts = [text.rstrip(".") for text in (error.found, error.needed, error.fix)]
            return [f"{parts[0]}. Needed: {parts[1]}. Do: {parts[2]}."]

    def _read(self, control: Control) -> Any:
        try:
            return control.read()
        except ValueError as error:
            raise WorkbenchError(
                f"{self._where}.{control.setting.name} {error}",
                control.setting.explain or "YAML",
                "mend that line",
            ) from None

    # --- looks -----------------------------------------------------------------------------------------------------
    def _rows(self) -> list[widgets.Widget]:
        head = widgets.HTML(f'<div style="font-size:15px;font-weight:600;{INK}">{safe(self._title)}</div>')
        rows: list[widgets.Widget] = [head] if self._title else []
        usual = [self._controls[d.name] for d in self._described if not (d.advanced or d.section)]
        for control in usual:
            if control.wide:
                rows += [settings_help(control.setting), control.widget]
        if narrow := [control for control in usual if not control.wide]:
            rows.append(settings_grid(narrow))
        if folded := self._folded():
            titles = [f"{name} ({len(controls)})" for name, controls in folded.items()]
            rows.append(
                widgets.Accordion([settings_grid(controls) for controls in folded.values()], titles=titles)
            )
        if not self._described:
            rows.append(widgets.HTML(f'<div style="{FAINT}">This step has nothing to choose.</div>'))
        return [*rows, self._status, *([self._previewed] if self._preview else [])]

    def _folded(self) -> dict[str, list[Control]]:
        """The settings of each section, in the order of their fields; the remaining advanced ones last."""
        folded: dict[str, list[Control]] = {}
        for setting in self._described:
            if setting.section:
                folded.setdefault(setting.section, []).append(self._controls[setting.name])
        if more := [self._controls[d.name] for d in self._described if d.advanced and not d.section]:
            folded["More settings"] = more
        return folded

    def _refresh(self, _: Any = None) -> None:
        """Say below the form what is wrong, or what was changed. Pure: computes sentences, writes nothing."""
        if problems := self.problems:
            lines = [_line("✖", "#d55e00", problem) for problem in problems]
        elif self.changed:
            names = ", ".join(control.setting.label for control in self._controls.values() if control.touched)
            lines = [_line("✎", "#0072b2", f"Changed: {names}. The next cell uses what is shown here.")]
        else:
            lines = [_line("✔", "#009e73", "The next cell uses these settings.")]
        self._status.value = "".join(lines)
        if self._preview:
            blocks = [] if problems else self._preview(self.value)
            self._previewed.value = "".join(to_html(block) for block in blocks)

    def _table(self) -> Table:
        """The settings shown, as a table; a value that cannot be read is shown as it stands."""
        rows = []
        for setting in self._described:
            control = self._controls[setting.name]
            try:
                value = control.told()
            except ValueError:
                value = str(control.widget.value)
            rows.append((setting.label, value, setting.unit or "", setting.explain))
        return Table(("setting", "value", "unit", "what it does"), rows, show=200)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        """The live form where there are widgets, a table where there are none (executed copies, reports)."""
        table = self._table()
        widget = self.box._repr_mimebundle_() or {}
        return {**widget, "text/html": to_html(table), "text/plain": to_text(table)}


def _line(sign: str, colour: str, text: str) -> str:
    return f'<div style="line-height:1.5;{INK}"><span style="color:{colour}">{sign}</span> {safe(text)}</div>'
