"""A user's catalogue: names of workflows and failures that the engine's rules do not know."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import daganalysis as da
from daganalysis.analysis import failures
from daganalysis.commands import main
from daganalysis.engine.catalogue import workflow_of
from daganalysis.engine.user_catalogue import Catalogue, Failure, SignaturePattern, WorkflowPattern
from daganalysis.errors import UsageError
from tests.analysis.runs import archive_of_runs, told_rows
from tests.rows import archive_of

ROOT = Path(__file__).parents[2]
BACKUPS = Catalogue((WorkflowPattern(r"(Full|Incremental) copy to \S+", r"\1 copy"),))
DISK_FULL = SignaturePattern("disk full", "no space left")


def archive_named(*names: str) -> da.Archive:
    return archive_of(dags=[{"run_id": str(n), "name": name, "workflow": workflow_of(name)} for n, name in enumerate(names)])


def failed(line: str) -> da.Archive:
    return archive_of_runs(told_rows("r", {"a": (["run failed"], [line])}))


def written(folder: Path, text: str) -> Path:
    file = folder / "catalogue.toml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_pattern_names_the_workflow_of_dags_that_the_engine_does_not_know():
    archive = archive_named("Full copy to s3", "Full copy to nfs", "Incremental copy to s3").with_catalogue(BACKUPS)
    assert archive.dags["workflow"].tolist() == ["Full copy", "Full copy", "Incremental copy"]
    assert da.summary(archive)["n_runs"].tolist() == [2, 1]


def test_a_pattern_must_match_the_whole_name():
    archive = archive_named("Full copy to s3 again", "A Full copy to s3").with_catalogue(BACKUPS)
    assert archive.dags["workflow"].tolist() == ["Full copy to s3 again", "A Full copy to s3"]


@pytest.mark.parametrize("name", ["Start OB", "Create tenant t1"])
def test_the_names_of_the_engine_keep_their_workflow_unless_a_pattern_overrides(name):
    archive = archive_named(name)
    assert archive.with_catalogue(Catalogue((WorkflowPattern(".+", "mine"),))).dags["workflow"].tolist() == [workflow_of(name)]
    assert archive.with_catalogue(Catalogue((WorkflowPattern(".+", "mine", overrides=True),))).dags["workflow"].tolist() == ["mine"]


def test_the_first_pattern_that_matches_decides():
    both = Catalogue((WorkflowPattern("Night.+", "first"), WorkflowPattern("Nightly.+", "second")))
    assert archive_named("Nightly check").with_catalogue(both).dags["workflow"].tolist() == ["first"]


def test_what_is_chosen_by_workflow_follows_the_catalogue(tmp_path):
    import pyarrow.compute as pc

    archive_named("Full copy to s3", "Start OB").to_parquet(tmp_path / "store")
    archive = da.read_parquet(tmp_path / "store").with_catalogue(BACKUPS)
    assert archive.table("dags", ["run_id"], pc.field("workflow") == "Full copy")["run_id"].tolist() == ["0"]
    assert archive.table("dags", ["workflow"])["workflow"].tolist() == ["Full copy", "Start OB"]
    assert [part.dags["workflow"].tolist() for part in archive.by_part()] == [["Full copy", "Start OB"]]
    assert archive.lazily(["0"]).dags["workflow"].tolist() == ["Full copy"]
    assert archive.run("0").catalogue is BACKUPS


def test_the_store_keeps_the_names_of_the_engine(tmp_path):
    archive_named("Full copy to s3").to_parquet(tmp_path / "store")
    da.read_parquet(tmp_path / "store").with_catalogue(BACKUPS).dags  # noqa: B018 - read for its effect, of which there must be none
    assert da.read_parquet(tmp_path / "store").dags["workflow"].tolist() == ["Full copy to s3"]


@given(st.lists(st.text(max_size=30), max_size=5))
def test_applying_a_catalogue_twice_is_applying_it_once(names):
    once = archive_named(*names).with_catalogue(BACKUPS)
    assert once.with_catalogue(BACKUPS).dags.equals(once.dags)


def test_a_signature_names_the_failures_whose_line_it_matches():
    row = failures(failed("ERROR: write /data/1: no space left on device").with_catalogue(Catalogue((), (DISK_FULL,)))).iloc[0]
    assert (row["known"], row["n"]) == ("disk full", 1)


def test_an_engine_message_keeps_its_name_unless_a_signature_overrides():
    line = "ERROR: [Agent.RPC.RequestFailed]: Request [POST]/api/v1/x to 192.0.2.1:2886 failed: retry 30 times"
    for overrides, name in ((False, "request given up"), (True, "unreachable")):
        named = Catalogue((), (SignaturePattern("unreachable", "retry 30 times", overrides=overrides),))
        assert failures(failed(line).with_catalogue(named))["known"].tolist() == [name]


def test_a_code_and_a_pattern_must_both_match():
    rule = SignaturePattern("ours", "full", "Disk.Full")
    told = [Failure("Disk.Full", "it is full"), Failure("Disk.Full", "it is empty"), Failure(None, "it is full")]
    assert Catalogue((), (rule,)).signatures_of(told, overriding=False) == {told[0]: "ours"}


def test_no_pattern_can_hang_on_a_long_line():
    hostile = Catalogue((), (SignaturePattern("slow elsewhere", "^(a+)+$"),))
    assert hostile.signatures_of([Failure(None, "a" * 50_000 + "b")], overriding=False) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[workflow]]\npattern = '(a'\nname = 'x'", "workflow 1"),
        ("[[workflow]]\npattern = 'a)|(b'\nname = 'x'", "unexpected )"),
        ("[[workflow]]\npattern = 'a'\nname = '\\2'", "requests 2"),
        ("[[workflow]]\npattern = '(?=a)'\nname = 'x'", "(?="),
        ("[[workflow]]\npattern = 'a'", "`name` must be"),
        ("[[workflow]]\npattern = 'a'\nname = 3", "`name` must be"),
        ("[[workflow]]\npattern = 'a'\nname = 'x'\n[[workflow]]\npatern = 'a'\nname = 'x'", "workflow 2"),
        ("[[workflows]]\npattern = 'a'\nname = 'x'", "unknown key `workflows`"),
        ("[workflow]\npattern = 'a'\nname = 'x'", "[[workflow]]"),
        ("[[signature]]\nname = 'x'", "neither `pattern` nor `code`"),
        ("[[signature]]\nname = 'x'\npattern = '['", "signature 1"),
        ("[[signature]]\nname = 'x'\ncode = 'A'\noverride = 'yes'", "true or false"),
        ("pattern = ", "not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_its_file_and_its_entry(tmp_path, text, said):
    file = written(tmp_path, text)
    with pytest.raises(UsageError) as raised:
        da.read_catalogue(file)
    assert said in str(raised.value)
    assert str(file) in raised.value.where


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"none\.toml"):
        da.load([], catalogue=tmp_path / "none.toml")


def test_the_option_of_a_command_names_the_file_and_a_mistake_is_a_usage_error(tmp_path, capsys):
    archive_named("Full copy to s3").to_parquet(tmp_path / "store")
    file = written(tmp_path, "[[workflow]]\npattern = '(Full) copy.*'\nname = '\\1 backup'")
    assert main(["table", str(tmp_path / "store"), "dags", "--workflow", "Full backup", "--format", "csv", "--catalogue", str(file)]) == 0
    assert "Full backup" in capsys.readouterr().out
    assert main(["summary", str(tmp_path / "store"), "--catalogue", str(written(tmp_path, "["))]) == 2


def test_the_examples_of_the_page_are_what_it_says_they_are(tmp_path, capsys, monkeypatch):
    page = (ROOT / "docs" / "catalogue.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```toml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    written(tmp_path, example)
    archive_named("Full copy to s3", "Incremental copy to s3").to_parquet(tmp_path / "store")
    shutil.copy(ROOT / "examples" / "catalogue.toml", tmp_path / "longer.toml")
    monkeypatch.chdir(tmp_path)
    for line in re.findall(r"^\$ daganalysis (.+)$", page, re.MULTILINE):
        assert main(line.split()) == 0
        assert main(line.replace("catalogue.toml", "longer.toml").split()) == 0
    assert "Incremental copy" in capsys.readouterr().out
