"""Gates and fleets for continuous integration and monitoring, read back by the libraries of those tools."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from junitparser import JUnitXml, TestCase
from prometheus_client.openmetrics.parser import text_string_to_metric_families

import daganalysis as da
from daganalysis.analysis import Gate
from daganalysis.commands import main
from daganalysis.exports.junit import gate_markdown, junit_xml
from daganalysis.exports.open_metrics import open_metrics
from tests.rows import archive_of

ROOT = Path(__file__).parent.parent.parent
HOSTILE = 'a "quoted" <b>&\x1b[31m\n{x="y"} \\ \u202e'


def cases(path: Path) -> dict[str, list[str]]:
    return {
        case.name: [type(one).__name__ for one in case.result]
        for suite in JUnitXml.fromfile(str(path))
        for case in suite
        if isinstance(case, TestCase)
    }


def test_a_gate_is_a_suite_with_a_case_an_entry(tmp_path: Path) -> None:
    (tmp_path / "gate.xml").write_text(junit_xml(Gate(tripped=["a"], undecided=["b"], held=["c"], not_compared=["d"]), "check"))
    assert cases(tmp_path / "gate.xml") == {"a": ["Failure"], "b": ["Skipped"], "c": [], "d": ["Skipped"]}


@pytest.mark.parametrize(("limit", "status"), [("n_failed>100", 0), ("n_failed>0", 1)])
def test_check_writes_its_gate_and_keeps_its_exit_status(tmp_path: Path, limit: str, status: int) -> None:
    files = ["--junit", str(tmp_path / "gate.xml"), "--job-summary", str(tmp_path / "gate.md")]
    assert main(["check", "sample_data/start", "--fail-on", limit, *files]) == status
    ((_, results),) = cases(tmp_path / "gate.xml").items()
    assert results == (["Failure"] if status else [])
    assert ("failed" if status else "passed") in (tmp_path / "gate.md").read_text()


def test_compare_writes_its_gate(tmp_path: Path) -> None:
    arguments = ["compare", "sample_data/versions/a", "sample_data/versions/b"]
    assert main([*arguments, "--fail-on", "slower", "--junit", str(tmp_path / "gate.xml")]) == 1
    assert ["Failure"] in cases(tmp_path / "gate.xml").values()
    assert main([*arguments, "--junit", str(tmp_path / "no-gate.xml")]) == 2


def test_the_metrics_are_those_of_the_summary() -> None:
    archive = da.load("sample_data/fleet", cluster_by="dir")
    families = {family.name: family for family in text_string_to_metric_families(open_metrics(archive))}
    told = {tuple(sample.labels.values()): sample.value for sample in families["daganalysis_runs"].samples}
    assert told == archive.dags.groupby(["workflow", "outcome"]).size().to_dict()
    medians = {s.labels["workflow"]: s.value for s in families["daganalysis_elapsed_seconds"].samples if s.labels["quantile"] == "0.5"}
    assert medians == da.summary(archive).set_index("workflow")["elapsed_p50_s"].to_dict()


def test_hostile_names_stay_texts(tmp_path: Path) -> None:
    (tmp_path / "gate.xml").write_text(junit_xml(Gate(tripped=[HOSTILE]), "check"))
    assert len(cases(tmp_path / "gate.xml")) == 1
    archive = archive_of(dags=[{"run_id": "1", "workflow": HOSTILE, "outcome": "failed", "retries_min": 0}])
    (sample,) = next(iter(text_string_to_metric_families(open_metrics(archive)))).samples
    assert sample.labels["workflow"].startswith('a "quoted" <b>&')
    assert "<b>" not in gate_markdown(Gate(tripped=[HOSTILE]), "check")


def test_the_script_of_the_examples_loads_checks_and_reports(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "daganalysis").write_text(f'#!/bin/sh\nexec {sys.executable} -m daganalysis "$@"\n')
    (tmp_path / "bin" / "daganalysis").chmod(0o755)
    environment = {**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    environment.pop("GITHUB_STEP_SUMMARY", None)
    shutil.copytree(ROOT / "sample_data" / "documented", tmp_path / "answers" / "prod-a")
    command = [
        str(ROOT / "examples" / "load-check-report"),
        str(tmp_path / "answers"),
        str(tmp_path / "store"),
        str(tmp_path / "report"),
    ]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 4, done.stderr  # one run is too little to decide a gate
    assert {path.name for path in (tmp_path / "report").iterdir()} == {"report.html", "report.json", "fleet.prom", "gate.xml", "gate.md"}
