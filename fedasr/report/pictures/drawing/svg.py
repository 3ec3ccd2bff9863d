"""A figure as an SVG element of the page."""

from __future__ import annotations

import io
import re

from matplotlib.figure import Figure

from fedasr.report.pictures.drawing.style import drawing


def svg(figure: Figure, prefix: str) -> str:
    """Return a figure as an SVG element that refers to nothing outside, the same bytes each time.

    Parameters
    ----------
    figure : Figure
    prefix : str
        Begins every id, so that figures on one page do not meet.
    """
    buffer = io.StringIO()
    with drawing():
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"\s*<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    opening, rest = text.split(">", 1)
    box = re.search(r'viewBox="[^"]*"', opening)
    rest = re.sub(r'\bid="([^"]*)"', rf'id="{prefix}-\1"', rest)
    rest = re.sub(r'xlink:href="#([^"]*)"', rf'href="#{prefix}-\1"', rest)
    rest = re.sub(r"url\(#([^)]*)\)", rf"url(#{prefix}-\1)", rest)
    rest = rest.replace("'DejaVu Sans'", "system-ui, 'DejaVu Sans'")
    return f'<svg {box.group() if box else ""} aria-hidden="true" focusable="false">{rest}'
