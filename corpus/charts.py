"""Charts as SVG, drawn by matplotlib without fonts, scripts, colours or clock of their own.

Text stays text, so the reader's own fonts show it. Matplotlib's inline styles become attributes and classes: a page may
then forbid inline styles, and colour the charts for light and dark with its own sheet.
"""

from __future__ import annotations

import io
import logging
import re
import unicodedata
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import matplotlib as mpl
from lxml import etree  # type: ignore[import-untyped]
from matplotlib.axes import Axes
from matplotlib.figure import Figure

SVG = "{http://www.w3.org/2000/svg}"
XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
WIDTH = 5.2
"""Inches; a figure's view box is 72 times as wide."""

MAX_LABEL = 26
"""Columns (a Chinese character takes two) of a bar's label; the table beside the chart has the whole name."""

_INK, _QUIET, _LINE = "#000001", "#000002", "#000003"
_SERIES = ("#000010", "#000011", "#000012", "#000013", "#000014")
_CLASSES = {_INK: "ink", _QUIET: "quiet", _LINE: "line", **{colour: f"s{i}" for i, colour in enumerate(_SERIES)}}
"""Colours that stand for a class while matplotlib draws."""

_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none", "svg.hashsalt": "yuqi", "text.parse_math": False, "text.usetex": False, "font.size": 10,
    "text.color": _INK, "axes.edgecolor": _LINE, "axes.labelcolor": _QUIET, "xtick.color": _QUIET, "ytick.color": _INK,
    "grid.color": _LINE, "figure.facecolor": "none", "axes.facecolor": "none", "axes.spines.top": False,
    "axes.spines.right": False, "xtick.bottom": False, "ytick.left": False, "axes.axisbelow": True,
}  # fmt: skip
"""No mathematics: a name between dollar signs is a name."""


class Series(NamedTuple):
    """One colour of a chart: its name and a value for each label."""

    name: str
    values: tuple[float, ...]


def bars(labels: Sequence[str], series: Sequence[Series], title: str) -> str:
    """Return horizontal bars, one for each label from the top, stacked where there are several series."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH, 0.55 + 0.24 * len(labels)))
        shown = [shorten(label) for label in labels]
        widest = max((columns(label) for label in shown), default=0)
        left = min(0.45, (12 + 5.6 * widest) / (72 * WIDTH))
        height = figure.get_figheight()
        axes = figure.add_axes((left, 0.3 / height, 0.96 - left, 1 - 0.35 / height))
        places = range(len(labels))
        start = [0.0] * len(labels)
        for colour, one in zip(_SERIES, series):
            axes.barh(places, one.values, left=start, height=0.62, color=colour, linewidth=0)
            start = [low + value for low, value in zip(start, one.values)]
        axes.set_yticks(places, shown)
        axes.set_ylim(len(labels) - 0.5, -0.5)
        axes.grid(axis="x", linewidth=0.6)
        axes.spines["bottom"].set_visible(False)
        _numbers(axes, "x", start)
        return _svg(figure, title)


def columns_over(labels: Sequence[str], series: Sequence[Series], title: str) -> str:
    """Return upright columns in the order of `labels`, stacked where there are several series."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(WIDTH, 2.2))
        axes = figure.add_axes((0.13, 0.14, 0.84, 0.8))
        places = range(len(labels))
        start = [0.0] * len(labels)
        for colour, one in zip(_SERIES, series):
            axes.bar(places, one.values, bottom=start, width=0.72, color=colour, linewidth=0)
            start = [low + value for low, value in zip(start, one.values)]
        step = max(1, -(-len(labels) // 6))
        axes.set_xticks(places[::step], [shorten(label) for label in labels[::step]])
        axes.set_xlim(-0.7, max(len(labels), 4) - 0.3)
        axes.grid(axis="y", linewidth=0.6)
        axes.spines["left"].set_visible(False)
        _numbers(axes, "y", start)
        return _svg(figure, title)


def columns(text: str) -> int:
    """Return how many columns `text` takes in a font of fixed width."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def shorten(text: str) -> str:
    """Return `text` in at most MAX_LABEL columns."""
    if columns(text) <= MAX_LABEL:
        return text
    kept = text[:MAX_LABEL]
    while columns(kept) > MAX_LABEL - 1:
        kept = kept[:-1]
    return kept + "\N{HORIZONTAL ELLIPSIS}"


def _numbers(axes: Axes, which: str, totals: Sequence[float]) -> None:
    """Write whole numbers with thousands apart, and begin at nothing."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(mpl.ticker.MaxNLocator(5, integer=True))
    axis.set_major_formatter(mpl.ticker.FuncFormatter(lambda value, _: f"{value:,.0f}"))
    (axes.set_xlim if which == "x" else axes.set_ylim)(0, max([*totals, 1]) * 1.04)


def _svg(figure: Figure, title: str) -> str:
    stream = io.BytesIO()
    with warnings.catch_warnings():
        # The font that matplotlib would measure Chinese with has none; nothing here is measured.
        warnings.simplefilter("ignore", UserWarning)
        logging.getLogger("matplotlib").setLevel(logging.ERROR)
        figure.savefig(
            stream, format="svg", metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
        )
    return _tidied(stream.getvalue(), title)


def _tidied(data: bytes, title: str) -> str:
    """Return matplotlib's file as an element for a page: no prologue, no styles, no ids that another chart has too."""
    root = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True, remove_comments=True))
    for name in ("metadata", "style"):
        for element in root.iter(SVG + name):
            element.getparent().remove(element)
    prefix = re.sub(r"\W+", "-", title.lower()).strip("-")
    for element in root.iter():
        _tidy(element, prefix)
    for name in ("width", "height", "version"):
        root.attrib.pop(name, None)
    root.set("role", "img")
    root.set("aria-label", f"{title}; the table below says the same")
    etree.cleanup_namespaces(root)
    text: str = etree.tostring(root, encoding="unicode")
    return text


def _tidy(element: etree._Element, prefix: str) -> None:
    """Turn one element's style into attributes and classes, and make its ids its chart's own."""
    classes = []
    for name, value in _declarations(element.attrib.pop("style", "")):
        if name in ("fill", "stroke") and value in _CLASSES:
            classes.append(f"{name}-{_CLASSES[value]}")
        elif name == "font":  # the family is the page's
            element.set("font-size", re.search(r"[\d.]+px", value)[0])  # type: ignore[index]  # always in what it writes
        else:
            element.set(name, value)
    if classes:
        element.set("class", " ".join(classes))
    element.attrib.pop("font-family", None)
    if (name := element.attrib.pop("id", None)) is not None and element.tag != SVG + "g":
        element.set("id", f"{prefix}-{name}")
    if (target := element.attrib.pop(XLINK_HREF, None)) is not None:
        element.set("href", f"#{prefix}-{target.removeprefix('#')}")
    if (clip := element.get("clip-path")) is not None:
        element.set("clip-path", clip.replace("url(#", f"url(#{prefix}-"))


def _declarations(style: str) -> list[tuple[str, str]]:
    pairs = (declaration.partition(":") for declaration in style.split(";") if declaration.strip())
    return [(name.strip(), value.strip()) for name, _, value in pairs]
