"""Fonts for Chinese, Japanese and Korean names, which the default font of matplotlib does not have."""

from __future__ import annotations

import contextlib
import functools
import re
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
_MISSING = r"Glyph \d+ .* missing from"


@functools.cache
def cjk_family() -> str | None:
    """Return the family of a font of this system that has Chinese characters; None where there is none."""
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
    """Return the families to write a text in, the default font first; None where that is enough, or no other is there."""
    family = cjk_family() if has_cjk(text) else None
    if family is None:
        return None
    import matplotlib as mpl

    return [*mpl.rcParams["font.family"], family]


def give_fonts(figure: Figure) -> bool:
    """Let every text of a figure that needs it be drawn in a font that has its characters; return whether there are such fonts."""
    from matplotlib.text import Text

    needing = [text for text in figure.findobj(Text) if isinstance(text, Text) and has_cjk(text.get_text())]
    for text in needing:
        text.set_fontfamily(families_for(text.get_text()) or text.get_fontfamily())
    return not needing or cjk_family() is not None


@contextlib.contextmanager
def without_glyph_warnings() -> Iterator[None]:
    """Keep to itself what matplotlib says of each character that it has no glyph for."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", _MISSING, UserWarning)
        yield
