"""Chinese names in charts: in a font that has them, without a word of matplotlib's."""

from __future__ import annotations

import json
import warnings

import pytest
from matplotlib.text import Text

import daganalysis as da
from daganalysis.plots import fonts, text_metrics
from daganalysis.plots.saving import save_figure
from tests.profiles import some
from tests.reading.broken_inputs import response


def drawn():
    archive = da.load(json.dumps(response(name="Create tenant 租户")).encode())
    return da.plots.draw_gantt(da.plots.gantt_bars(archive, run_id="1900")).get_figure(root=True)


@pytest.mark.parametrize("ending", some(["png", "pdf", "svg"], gate=["png", "svg"]))
def test_no_warning_of_a_glyph_reaches_the_user(ending, tmp_path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        save_figure(drawn(), tmp_path / f"a.{ending}")
    assert [str(one.message) for one in caught if "Glyph" in str(one.message)] == []


def test_only_texts_that_need_it_get_another_font(monkeypatch):
    monkeypatch.setattr(fonts, "cjk_family", lambda: "Some CJK")
    figure = drawn()
    assert fonts.give_fonts(figure)
    given = {text.get_text().partition("\n")[0] for text in figure.findobj(Text) if "Some CJK" in text.get_fontfamily()}
    assert given
    assert all(fonts.has_cjk(text) for text in given)


def test_where_no_font_has_them_the_writer_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(fonts, "cjk_family", lambda: None)
    assert not save_figure(drawn(), tmp_path / "a.png")


def test_an_address_behind_an_arabic_name_is_painted_as_behind_any_other():
    name, address = "إنشاء", " · [fd00::1]:2886"
    plain, arabic = (text_metrics.outline(word + address, 8.0).path.vertices for word in ("x", name))
    last = len(text_metrics.outline(address.strip(" ·"), 8.0).path.vertices)
    assert arabic[-last:] == pytest.approx(plain[-last:], abs=0.05)
