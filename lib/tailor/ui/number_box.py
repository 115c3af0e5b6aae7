"""A number in a form: a text box that decides, and a slider beside it where there are bounds."""

import math
from typing import Any

import ipywidgets as widgets
import traitlets

from tailor.settings import Described


class NumberBox(widgets.HBox):
    """A number in a text box, with a slider beside it where there are bounds.

    The box decides; the slider is a way to fill it, so a value outside the slider's range stays exact.

    Attributes:
        value: the number; None for an empty box; the text as typed where it is no number.
    """

    value = traitlets.Any(None, allow_none=True)

    def __init__(self, value: float | None, whole: bool, slider: widgets.Widget | None, tooltip: str) -> None:
        self._whole = whole
        self._slider = slider
        self._busy = False
        self.box = widgets.Text(
            continuous_update=False, placeholder="none", tooltip=tooltip, layout=widgets.Layout(width="110px")
        )
        super().__init__([slider, self.box] if slider else [self.box])
        self.box.observe(self._from_box, "value")
        if slider:
            slider.observe(self._from_slider, "value")
        self.observe(self._show, "value")
        self.value = value

    def _from_box(self, change: dict) -> None:
        if not self._busy:
            self.value = parse_number(change["new"], self._whole)

    def _from_slider(self, change: dict) -> None:
        if not self._busy:
            # a slider's step leaves digits nobody chose: 0.30000000000000004, 0.00019952623149688788
            digits = 3 if isinstance(self._slider, widgets.FloatLogSlider) else 6
            number = change["new"] if isinstance(change["new"], int) else float(f"{change['new']:.{digits}g}")
            self.value = round(number) if self._whole else number

    def _show(self, _: dict) -> None:
        self._busy = True
        try:
            self.box.value = write_number(self.value)
            if self._slider and isinstance(self.value, (int, float)) and math.isfinite(self.value):
                self._slider.value = min(max(self.value, _low(self._slider)), _high(self._slider))
        finally:
            self._busy = False


def make_slider(setting: Described, value: float | None, whole: bool, tip: str) -> widgets.Widget | None:
    """A slider where the bounds give it two ends; a logarithmic one may take its lower end from the default."""
    shape = {"readout": False, "continuous_update": False, "tooltip": tip}
    shape["layout"] = widgets.Layout(flex="1 1 auto", width="auto", min_width="80px")
    low, high = setting.low, setting.high
    if setting.log:
        middle = next((number for number in (value, setting.default, high) if number), 1e-3)
        ends = [math.log10(low or middle / 1000), math.log10(high or middle * 1000)]
        return widgets.FloatLogSlider(value=middle, min=ends[0], max=ends[1], step=0.05, **shape)
    if low is None or high is None:
        return None
    start = min(max(value if value is not None else low, low), high)
    if whole:
        return widgets.IntSlider(value=int(start), min=int(low), max=int(high), **shape)
    step = 10 ** math.floor(math.log10(high - low) - 1.5) if high > low else 0.01
    return widgets.FloatSlider(value=start, min=low, max=high, step=step, **shape)


def _low(slider: widgets.Widget) -> float:
    return slider.base**slider.min if isinstance(slider, widgets.FloatLogSlider) else slider.min


def _high(slider: widgets.Widget) -> float:
    return slider.base**slider.max if isinstance(slider, widgets.FloatLogSlider) else slider.max


def parse_number(text: str, whole: bool) -> int | float | str | None:
    """What a person typed as a number; the text itself where it is none, so that the error can quote it."""
    text = text.strip()
    if not text:
        return None
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        return number if whole or kind is float else float(number)
    return text


def write_number(value: Any) -> str:
    """The shortest text that reads back as exactly this number: 2e-4 as "0.0002", 1e-5 as "1e-05"."""
    return "" if value is None else str(value) if isinstance(value, str) else repr(value)
