"""One control per setting: which widget fits which kind of value, and how its value is read back."""

from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import ipywidgets as widgets
import yaml
from pydantic import BaseModel

from tailor.html import FAINT, INK, safe
from tailor.plain_yaml import parse_yaml
from tailor.settings import Described
from tailor.ui.number_box import NumberBox, make_slider, write_number

_WIDE = widgets.Layout(width="98%")
_COLUMNS = "minmax(120px, 190px) minmax(260px, 400px) minmax(180px, 1fr)"


def kinds_of(annotation: Any) -> tuple[set, bool]:
    """The types an annotation allows, and whether None is one of them."""
    if get_origin(annotation) in (Union, UnionType):
        parts = get_args(annotation)
        return {get_origin(part) or part for part in parts if part is not NoneType}, NoneType in parts
    return {get_origin(annotation) or annotation}, False


class Control:
    """One setting's widget, and how to read it.

    Args:
        setting: the setting, described.
        value: its value now.

    Attributes:
        widget: what a person moves; its `value` may be set in a test.
    """

    def __init__(self, setting: Described, value: Any) -> None:
        self.setting = setting
        self._given = value
        kinds, self._optional = kinds_of(setting.type)
        self._read = lambda shown: shown
        self.widget = self._make(kinds, value)
        self._shown_first = self.widget.value

    @property
    def touched(self) -> bool:
        """Whether the widget shows something else than at first."""
        return self.widget.value != self._shown_first

    def read(self) -> Any:
        """The value shown. Untouched, it is the value given, to the last digit.

        Raises:
            ValueError: a YAML text that cannot be read.
        """
        return self._read(self.widget.value) if self.touched else self._given

    @property
    def wide(self) -> bool:
        """Whether the widget takes the form's whole width."""
        return self.setting.control is not None

    def told(self) -> str:
        """The value shown, for a table.

        Raises:
            ValueError: a YAML text that cannot be read.
        """
        return self.widget.told() if self.wide else plain(self.read())

    def _make(self, kinds: set, value: Any) -> widgets.Widget:
        tip = tooltip(self.setting)
        if self.setting.control == "history":
            from tailor.ui.history import (
                HistoryBox,  # which shows settings of operations by way of this module
            )

            self._read = list
            return HistoryBox(value)
        if self.setting.choices and list in kinds:
            self._read = list
            options = list(self.setting.choices)
            rows = min(6, len(options))
            return widgets.SelectMultiple(
                options=options, value=tuple(value or ()), tooltip=tip, rows=rows, layout=_WIDE
            )
        if self.setting.choices and len(kinds) == 1:
            options = [(_choice(choice), choice) for choice in self.setting.choices]
            options = [("none", None), *options] if self._optional else options
            return widgets.Dropdown(options=options, value=value, tooltip=tip, layout=_WIDE)
        if kinds == {bool} and not self._optional:
            return widgets.Checkbox(value=bool(value), indent=False, tooltip=tip)
        if kinds and kinds <= {int, float}:
            whole = float not in kinds
            return NumberBox(value, whole, make_slider(self.setting, value, whole, tip), tip)
        if kinds == {str}:
            return self._text(value, tip)
        if kinds == {list} and get_args(self.setting.type)[:1] == (str,):
            self._read = _lines
            return _area("\n".join(value or ()), tip, "one per line")
        empty = None if self._optional else [] if list in kinds else {} if dict in kinds else None
        self._read = lambda shown: _read_yaml(shown) if shown.strip() else empty
        return _area(_write_yaml(value), tip, "YAML")

    def _text(self, value: str | None, tip: str) -> widgets.Widget:
        self._read = (lambda shown: shown or None) if self._optional else self._read
        placeholder = "none" if self._optional else ""
        if self.setting.multiline or "\n" in (value or ""):
            return _area(value or "", tip, placeholder)
        return widgets.Text(
            value or "", placeholder=placeholder, tooltip=tip, layout=_WIDE, continuous_update=False
        )


def _choice(choice: Any) -> str:
    return str(choice).replace("_", " ") if isinstance(choice, str) else str(choice)


def _area(text: str, tip: str, placeholder: str) -> widgets.Textarea:
    rows = min(12, max(3, text.count("\n") + 1, len(text) // 45 + 1))
    return widgets.Textarea(
        text, tooltip=tip, placeholder=placeholder, rows=rows, layout=_WIDE, continuous_update=False
    )


def tooltip(setting: Described) -> str:
    """Explanation, unit, range, default and source of a setting."""
    parts = [setting.explain]
    if setting.low is not None or setting.high is not None:
        ends = (("at least", setting.low), ("at most", setting.high))
        parts.append(
            ", ".join(f"{word} {write_number(end)}" for word, end in ends if end is not None).capitalize()
            + "."
        )
    if setting.unit:
        parts.append(f"Unit: {setting.unit}.")
    if not setting.required:
        parts.append(f"Default: {plain(setting.default)}.")
    if setting.source:
        parts.append(f"Source: {setting.source}")
    return "\n".join(parts)


def plain(value: Any) -> str:
    """A setting's value in one short line."""
    if value is None or value == [] or value == "":
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return write_number(value)
    if isinstance(value, str):
        return value
    text = yaml.safe_dump(
        _dump(value), default_flow_style=True, sort_keys=False, allow_unicode=True, width=1e9
    )
    return text.removesuffix("\n...\n").strip()


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip()]


def _dump(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, dict):
        return {key: _dump(item) for key, item in value.items()}
    return [_dump(item) for item in value] if isinstance(value, (list, tuple, set)) else value


def _write_yaml(value: Any) -> str:
    if value is None or value in ([], {}):
        return ""
    return yaml.safe_dump(_dump(value), sort_keys=False, allow_unicode=True, width=60)


def _read_yaml(text: str) -> Any:
    """What YAML text says.

    Raises:
        ValueError: in a sentence that names the line.
    """
    try:
        return parse_yaml(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark else ""
        raise ValueError(f"is not valid YAML{where}") from None


def settings_grid(controls: list[Control]) -> widgets.GridBox:
    """Rows of label, control and explanation."""
    cells: list[widgets.Widget] = []
    for control in controls:
        cells += [_label(control.setting), control.widget, settings_help(control.setting)]
    layout = widgets.Layout(
        grid_template_columns=_COLUMNS, grid_gap="6px 14px", align_items="center", width="100%"
    )
    return widgets.GridBox(cells, layout=layout)


def _label(setting: Described) -> widgets.HTML:
    return widgets.HTML(f'<span title="{safe(tooltip(setting))}" style="{INK}">{safe(setting.label)}</span>')


def settings_help(setting: Described) -> widgets.HTML:
    """A setting's unit and explanation."""
    unit = f"<b>{safe(setting.unit)}</b>. " if setting.unit else ""
    return widgets.HTML(
        f'<div title="{safe(tooltip(setting))}" style="{FAINT};font-size:12px;line-height:1.35">'
        f"{unit}{safe(setting.explain)}</div>"
    )
