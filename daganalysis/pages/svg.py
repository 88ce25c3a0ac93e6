"""A drawn figure as SVG inside a page.

matplotlib writes style attributes, which the page's Content-Security-Policy forbids, ids that two figures on one page would share, and a
block of metadata. Here a figure becomes an element that obeys the policy, has unique ids, takes its colours from the page's colour scheme,
and has a text for people who cannot see it.
"""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from daganalysis.text.escaping import for_terminal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_DROPPED = frozenset({f"{_SVG}metadata", f"{_SVG}style"})
_NO_ATTRIBUTE = frozenset({"font-family", "white-space"})
"""Style properties that are left to the page's style sheet."""
_SCHEME_COLOURS = {
    "#000000": "ink",
    "#333333": "ink",
    "#6b6b6b": "soft",
    "#777777": "soft",
    "#8a3b00": "bad",
    "#dddddd": "line",
    "#e6e6e6": "line",
    "#ffffff": "paper",
}
"""Colours of ink, paper and lines in drawings; a dark scheme replaces them. All other colours are distinct on both."""
_BESIDE = 16.0
"""Points of room at the left."""
_LONG_NUMBER = re.compile(r"-?\d+\.\d{3,}")
_REFERENCE = re.compile(r"url\(#([^)]+)\)")


def figure_svg(figure: Figure, *, key: str, title: str) -> str:
    """Write a figure as an ``<svg>`` element for a page; ``key`` tells its ids from those of the page's other figures.

    The same figure gives the same text.
    """
    import matplotlib as mpl

    drawn = io.BytesIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "daganalysis"}), warnings.catch_warnings():
        # The text stays text, so the browser's fonts matter, not the fonts used for measuring.
        warnings.filterwarnings("ignore", "Glyph .* missing from", UserWarning)
        engine = figure.get_layout_engine()
        if engine is not None:
            # The layout takes its place once; with an engine matplotlib would draw everything a second time to have it do so.
            engine.execute(figure)
            figure.set_layout_engine("none")
        figure.savefig(drawn, format="svg", metadata={"Date": None})
    # The text was written by matplotlib a line above, names in it escaped: it is no foreign XML.
    root = ET.fromstring(drawn.getvalue())  # noqa: S314
    _clean(root, key)
    left, top, width, height = map(float, root.get("viewBox", "0 0 1 1").split())
    # A browser's letters may be wider than the measured ones, so labels at the left edge need some more room.
    width += _BESIDE
    size = {"viewBox": f"{left - _BESIDE:g} {top:g} {width:g} {height:g}", "width": f"{width:g}", "height": f"{height:g}"}
    root.attrib |= {"class": "chart", "role": "img", "aria-labelledby": f"{key}-title", **size}
    named = ET.Element(f"{_SVG}title", {"id": f"{key}-title"})
    named.text = title
    root.insert(0, named)
    ET.register_namespace("", "http://www.w3.org/2000/svg")
    ET.register_namespace("xlink", "http://www.w3.org/1999/xlink")
    return ET.tostring(root, encoding="unicode")


def _clean(element: ET.Element, key: str) -> None:
    used = {match for part in element.iter() for value in part.attrib.values() for match in _REFERENCE.findall(value)}
    used |= {part.attrib[_HREF][1:] for part in element.iter() if _HREF in part.attrib}
    for part in list(element.iter()):
        for child in [child for child in part if child.tag in _DROPPED]:
            part.remove(child)
        part.text = for_terminal(part.text.strip()) if part.text and part.text.strip() else None
        part.tail = None
        _clean_attributes(part, key, used)


def _clean_attributes(part: ET.Element, key: str, used: set[str]) -> None:
    name = part.attrib.pop("id", None)
    if name in used:
        part.set("id", f"{key}-{name}")
    for declaration in filter(None, (text.strip() for text in part.attrib.pop("style", "").split(";"))):
        attribute, _, value = (text.strip() for text in declaration.partition(":"))
        if attribute not in _NO_ATTRIBUTE:
            part.set(attribute, value)
    for attribute in ("fill", "stroke"):
        scheme = _SCHEME_COLOURS.get(part.get(attribute, "").lower())
        if scheme:
            del part.attrib[attribute]
            part.set("class", f"{part.get('class', '')} {attribute}-{scheme}".strip())
    if part.tag == f"{_SVG}text" and "fill" not in part.attrib and "fill-" not in part.get("class", ""):
        part.set("class", "fill-ink")
    for attribute, value in part.attrib.items():
        if attribute == _HREF:
            part.set(attribute, f"#{key}-{value[1:]}")
        else:
            shorter = _LONG_NUMBER.sub(_rounded, value) if attribute != "transform" else value
            part.set(attribute, _REFERENCE.sub(rf"url(#{key}-\1)", shorter.replace("\n", "").strip()))


def _rounded(number: re.Match[str]) -> str:
    return f"{float(number.group()):.2f}".rstrip("0").rstrip(".")
