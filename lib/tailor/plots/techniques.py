"""Drawings of a network: which of its parts a technique trains. One layout, painted by matplotlib or as a small SVG."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from tailor.plots.style import BLUE, ORANGE, SKY, WIDTH, plain_text
from tailor.records import NetworkPart

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FROZEN, EDGE = "#e4e4e4", "#555555"
MOST_COLUMNS = 6
"""Layers drawn one by one; of more, neighbours that are alike are gathered."""
HEIGHTS = {"prompt": 80, "embedding": 80, "attention": 80, "feed-forward": 80, "norms": 44, "head": 80}
STEP, BOX, GAP, STRIP = 112, 94, 7, 22  # a column with its arrow, a box, between boxes, what was put in
TOP, LEGEND = 22, 30  # above the boxes the layers' names, below them what the colours mean


@dataclass(frozen=True)
class Box:
    """A coloured rectangle; left and top in pixels."""

    left: float
    top: float
    width: float
    height: float
    colour: str


@dataclass(frozen=True)
class Label:
    """Lines of text around a middle."""

    x: float
    y: float
    lines: tuple[str, ...]
    colour: str = "black"
    left: bool = False


@dataclass(frozen=True)
class Drawing:
    """A picture of `width` x `height` pixels, y downwards."""

    width: float
    height: float
    boxes: list[Box]
    labels: list[Label]


def network_parts(parts: Sequence[NetworkPart]) -> "Figure":
    """The network from input to output, a column for each layer, coloured by what training does to each part.

    Args:
        parts: as `tailor.techniques.anatomy.anatomy` counts them.
    """
    from matplotlib.figure import Figure as Canvas
    from matplotlib.patches import Rectangle

    drawing = lay_out(parts)
    scale = WIDTH / max(drawing.width, 5 * STEP)
    figure = Canvas(figsize=(drawing.width * scale, drawing.height * scale))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, drawing.width), ylim=(drawing.height, 0))
    axes.set_axis_off()
    for box in drawing.boxes:
        axes.add_patch(
            Rectangle(
                (box.left, box.top),
                box.width,
                box.height,
                facecolor=box.colour,
                edgecolor=EDGE,
                linewidth=0.7,
            )
        )
    for label in drawing.labels:
        side = "left" if label.left else "center"
        text = "\n".join(plain_text(line) for line in label.lines)
        axes.text(label.x, label.y, text, ha=side, va="center", fontsize=830 * scale, color=label.colour)
    return figure


def network_parts_svg(parts: Sequence[NetworkPart], title: str) -> str:
    """The same drawing as an SVG of a few kilobytes, for pages; the same text every time.

    Args:
        title: said by screen readers, and when a mouse rests on it.
    """
    drawing = lay_out(parts)
    size = f"{drawing.width:g} {drawing.height:g}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{drawing.width:g}" '
        'font-family="sans-serif" font-size="12" text-anchor="middle">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{drawing.width:g}" height="{drawing.height:g}" fill="white"/>',
    ]
    lines += [
        f'<rect x="{box.left:g}" y="{box.top:g}" width="{box.width:g}" height="{box.height:g}" '
        f'fill="{box.colour}" stroke="{EDGE}"/>'
        for box in drawing.boxes
    ]
    lines += [line for label in drawing.labels for line in _svg_lines(label)]
    return "\n".join([*lines, "</svg>", ""])


def _svg_lines(label: Label) -> Iterator[str]:
    first = label.y + 4 - 7 * (len(label.lines) - 1)
    look = (' text-anchor="start"' if label.left else "") + (
        f' fill="{label.colour}"' if label.colour != "black" else ""
    )
    for number, line in enumerate(label.lines):
        yield f'<text x="{label.x:g}" y="{first + 14 * number:g}"{look}>{escape(line)}</text>'


def lay_out(parts: Sequence[NetworkPart]) -> Drawing:
    """Where everything stands: columns around one middle line, names above them, arrows between, colours below."""
    columns = gather_layers(parts)
    tallest = max(_height(column) for _, column in columns)
    width, middle = STEP * len(columns) - STEP + BOX + 4, TOP + tallest / 2
    boxes, labels = [], []
    embedding_trained = any(part.part == "embedding" and part.trained for part in parts)
    for number, (name, column) in enumerate(columns):
        left, top = 2 + STEP * number, middle - _height(column) / 2
        labels.append(Label(left + BOX / 2, top - 12, (name,), "#333333"))
        if number:
            labels.append(Label(left - (STEP - BOX) / 2, middle, ("→",), EDGE))
        for part in column:
            borrows = part.part == "head" and not part.numbers  # from the embedding
            _add_part(boxes, labels, left, top, part, bool(part.trained) or (borrows and embedding_trained))
            top += HEIGHTS[part.part] + GAP
    _add_legend(boxes, labels, TOP + tallest + LEGEND / 2 + 4, parts)
    return Drawing(width, TOP + tallest + LEGEND, boxes, labels)


def gather_layers(parts: Sequence[NetworkPart]) -> list[tuple[str, list[NetworkPart]]]:
    """The parts by layer; in a deep network like neighbours make one column, such as "layers 2-31, each"."""
    layers: dict[str, list[NetworkPart]] = {}
    for part in parts:
        layers.setdefault(part.layer, []).append(part)
    if len(layers) <= MOST_COLUMNS + 2:
        return list(layers.items())
    gathered: list[tuple[list[str], list[NetworkPart]]] = []
    for name, column in layers.items():
        if gathered and _likeness(*gathered[-1]) == _likeness([name], column):
            gathered[-1][0].append(name)
        else:
            gathered.append(([name], column))
    return [(_span(names), column) for names, column in gathered]


def _likeness(names: list[str], column: list[NetworkPart]) -> tuple:
    """Equal for layers that can share a column; an encoder-decoder's two rows of layers are kept apart."""
    sizes = [(part.part, part.numbers, part.trained, part.new) for part in column]
    return names[0].rstrip("0123456789"), sizes


def _span(names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    return f"{names[0].replace('layer', 'layers')}-{names[-1].rsplit(' ', 1)[1]}, each"


def _height(column: list[NetworkPart]) -> float:
    return sum(HEIGHTS[part.part] for part in column) + GAP * (len(column) - 1)


def _add_part(
    boxes: list[Box], labels: list[Label], left: float, top: float, part: NetworkPart, trained: bool
) -> None:
    """A box: blue where the part's numbers train, with an orange strip where numbers were put in."""
    height, inside = HEIGHTS[part.part], part.numbers or part.part == "head"
    colour = BLUE if trained else FROZEN if inside else ORANGE if part.new else SKY
    strip = STRIP if part.new and inside else 0
    boxes.append(Box(left, top, BOX, height, colour))
    ink = "white" if colour == BLUE else "black"
    labels.append(Label(left + BOX / 2, top + (height - strip) / 2, _told(part), ink))
    if strip:
        boxes.append(Box(left, top + height - strip, BOX, strip, ORANGE))
        labels.append(Label(left + BOX / 2, top + height - strip / 2, (f"+ {brief(part.new)}",)))


def _told(part: NetworkPart) -> tuple[str, ...]:
    if part.part == "prompt":
        return ("before", "the text", brief(part.new)) if part.new else ("words", "before", "the text")
    return (part.part, brief(part.numbers) if part.numbers else "(embedding's)")


def _add_legend(boxes: list[Box], labels: list[Label], middle: float, parts: Sequence[NetworkPart]) -> None:
    meanings = {
        FROZEN: "frozen" if any(part.numbers > part.trained for part in parts) else "",
        BLUE: "trained" if any(part.trained for part in parts) else "",
        ORANGE: "put in and trained" if any(part.new for part in parts) else "",
        SKY: "words, not numbers" if any(part.part == "prompt" and not part.new for part in parts) else "",
    }
    left = 2.0
    for colour, meaning in meanings.items():
        if meaning:
            boxes.append(Box(left, middle - 6, 22, 12, colour))
            labels.append(Label(left + 28, middle, (meaning,), left=True))
            left += 28 + 7 * len(meaning) + 20


def brief(number: int) -> str:
    """A number in three digits: 384, 33.8 k, 1.57 M."""
    for size, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if number >= size:
            return f"{number / size:.3g}{letter}"
    return str(number)
