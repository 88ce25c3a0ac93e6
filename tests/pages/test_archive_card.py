from __future__ import annotations

import daganalysis as da
from tests.pages.fleets import fleet, run, week


def test_an_archive_shows_its_workflows_and_how_their_runs_ended():
    card = week()._repr_html_()
    assert "<b>Archive of 10 runs</b>, in memory" in card
    assert "8 succeeded, 1 cancelled, 1 failed" in card


def test_one_run_shows_its_facts_and_stages():
    card = fleet(run(1, outcome="failed", error="ERROR: x", seconds=125))._repr_html_()
    assert "elapsed: <b>2 min 05 s</b>" in card
    assert 'Copy files</td><td style="text-align: left">failed' in card


def test_a_card_holds_no_script_whatever_the_names_hold():
    card = fleet(run(1, name="<script>alert(1)</script>\u202e"))._repr_html_()
    assert "<script" not in card
    assert "\\u202e" in card


def test_a_run_of_which_little_is_known_has_dashes():
    card = fleet(run(1, retries_min=None, retries_max=None, elapsed_s=None))._repr_html_()
    assert "elapsed: <b>-</b><br>retries: <b>-</b>" in card


def test_one_run_is_told_in_the_sentence_of_the_list_of_runs():
    archive = fleet(run(1, outcome="failed", error="ERROR: [Disk.Full]: no space left", agent="10.0.0.3:2886"))
    assert f"<p>{da.runs(archive)['conclusion'].item()}</p>" in archive._repr_html_().replace("\u00a0", " ")


def test_several_runs_show_the_sentence_of_the_one_that_went_worst():
    assert "worst: <b>c1/11</b>, Create tenant t1<br>Copy files failed on 10.0.0.3:2886 (Disk.Full)" in week()._repr_html_()


def test_where_no_run_met_trouble_none_is_called_worst():
    assert "worst" not in fleet(run(1), run(2))._repr_html_()
