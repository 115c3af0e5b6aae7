"""Displays blocks in a notebook."""

from collections.abc import Sequence

from IPython.display import display

from tailor.blocks import Block, Figure
from tailor.html import figure_png, to_html
from tailor.plain import to_text


def show_blocks(blocks: Sequence[Block]) -> None:
    """Display blocks in order: figures as images with their description, all else as HTML and plain text."""
    for block in blocks:
        if isinstance(block, Figure):
            # an image of its own: JupyterLab drops inline images from notebooks it does not trust
            data = {"image/png": figure_png(block), "text/plain": to_text(block)}
            display(data, raw=True, metadata={"image/png": {"alt": block.alt, "width": 720}})
        else:
            display({"text/html": to_html(block), "text/plain": to_text(block)}, raw=True)
