"""Fonts for Chinese, Japanese and Korean names, which matplotlib's own font lacks, and the direction of Arabic and Hebrew names."""

from __future__ import annotations

import contextlib
import functools
import re
import unicodedata
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.figure import Figure

_CJK = re.compile("[\u1100-\u11ff\u2e80-\u9fff\uac00-\ud7af\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef\U00020000-\U0003134f]")
_FAMILIES = re.compile(
    r"Noto Sans (?:Mono )?CJK|Source Han Sans|WenQuanYi|Microsoft YaHei|PingFang|SimHei|Hiragino Sans|Malgun Gothic|Noto Serif CJK|SimSun"
)
"""Families that have these characters, those without serifs first."""
_LEFT_TO_RIGHT = "\u200e"
"""An invisible mark. A line that begins with it runs from left to right, and words of other scripts keep their own direction."""
_MISSING = r"Glyph \d+ .* missing from"


@functools.cache
def cjk_family() -> str | None:
    """Return the family of a font of this system that has Chinese characters; None if no family has."""
    from matplotlib.font_manager import fontManager

    found = sorted({font.name for font in fontManager.ttflist if _FAMILIES.match(font.name)})
    return min(found, key=lambda name: ("Serif" in name or "Sun" in name, "SC" not in name, name), default=None)


def has_cjk(text: str) -> bool:
    """Return whether a text has Chinese, Japanese or Korean characters.

    >>> has_cjk("Create tenant 租户"), has_cjk("Create tenant t1")
    (True, False)
    """
    return _CJK.search(text) is not None


def families_for(text: str) -> list[str] | None:
    """Return the font families for a text, the default font first; None if the default is enough, or there is no other."""
    family = cjk_family() if has_cjk(text) else None
    if family is None:
        return None
    import matplotlib as mpl

    return [*mpl.rcParams["font.family"], family]


def from_left(text: str) -> str:
    """Let a line with Arabic or Hebrew words run from left to right, so that an address after a name is not reversed.

    The mark is also put before each middle dot; without it, digits after the dot would belong to the words before it.

    >>> from_left("Create tenant"), len(from_left("אב")) - len("אב"), from_left(from_left("אב")) == from_left("אב")
    ('Create tenant', 1, True)
    >>> from_left("אב · 192.0.2.1").count("\u200e")
    2
    """
    if text.startswith(_LEFT_TO_RIGHT) or not any(unicodedata.bidirectional(letter) in {"R", "AL"} for letter in text):
        return text
    return _LEFT_TO_RIGHT + text.replace(" · ", f"{_LEFT_TO_RIGHT} · ")


def give_fonts(figure: Figure) -> bool:
    """Set a font with the right characters for every text of a figure that needs one; return whether there are such fonts."""
    from matplotlib.text import Text

    texts = [text for text in figure.findobj(Text) if isinstance(text, Text)]
    for text in texts:
        text.set_text(from_left(text.get_text()))
    needing = [text for text in texts if has_cjk(text.get_text())]
    for text in needing:
        text.set_fontfamily(families_for(text.get_text()) or text.get_fontfamily())
    return not needing or cjk_family() is not None


@contextlib.contextmanager
def without_glyph_warnings() -> Iterator[None]:
    """Silence matplotlib's warnings about characters without a glyph."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", _MISSING, UserWarning)
        yield
