"""Runs as OpenTelemetry traces, read by strict parsers and a real collector."""

from __future__ import annotations

import base64
import json
import re

import pytest
from google.protobuf import json_format
from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData

import daganalysis as da
from daganalysis.exports.otlp import otlp, span_id, trace_id
from tests.exports.collector import count_spans, relayed
from tests.exports.runs import many_attempts
from tests.profiles import LONG

IDS = re.compile(r'"(traceId|spanId|parentSpanId)":"([0-9a-f]*)"')


@pytest.fixture(scope="module")
def archive() -> da.Archive:
    return da.load("sample_data/start", "sample_data/tenant", cluster_by="dir")


def parsed(line: str) -> TracesData:
    """Parse a line strictly: OTLP writes ids in hexadecimal, protobuf's own JSON in base64."""
    plain = IDS.sub(lambda found: f'"{found[1]}":"{base64.b64encode(bytes.fromhex(found[2])).decode()}"', line)
    return json_format.Parse(plain, TracesData(), ignore_unknown_fields=False)


def spans_of(traces: TracesData) -> list[Span]:
    return [span for resource in traces.resource_spans for scope in resource.scope_spans for span in scope.spans]


def attribute(span: Span, name: str) -> str:
    (value,) = (one.value.string_value for one in span.attributes if one.key == name)
    return value


def test_every_line_is_one_valid_trace(archive: da.Archive) -> None:
    lines = list(otlp(archive))
    assert len(lines) == len(archive.dags)
    for line in lines:
        spans = spans_of(parsed(line))
        assert len({span.trace_id for span in spans}) == 1
        assert len({span.span_id for span in spans}) == len(spans)
        known = {span.span_id for span in spans}
        assert [span.name for span in spans if span.parent_span_id and span.parent_span_id not in known] == []
        assert all(span.end_time_unix_nano >= span.start_time_unix_nano for span in spans)


def test_the_run_is_a_server_span_and_all_below_it_internal(archive: da.Archive) -> None:
    root, *below = spans_of(parsed(next(otlp(archive))))
    assert root.kind == Span.SPAN_KIND_SERVER
    assert root.parent_span_id == b""
    assert {span.kind for span in below} == {Span.SPAN_KIND_INTERNAL}


def test_a_failed_run_has_the_result_failure_and_an_error_status(archive: da.Archive) -> None:
    failed = archive.dags.loc[archive.dags["outcome"] == "failed", "run_id"].iloc[0]
    root = spans_of(parsed(next(otlp(archive, [failed]))))[0]
    assert attribute(root, "cicd.pipeline.result") == "failure"
    assert root.status.code == 2


def test_a_main_dag_links_to_the_traces_of_its_child_dags(archive: da.Archive) -> None:
    link = archive.links.iloc[0]
    root = next(spans_of(parsed(line))[0] for line in otlp(archive) if link["parent_run_id"] in line)
    assert (bytes.fromhex(trace_id(link["child_run_id"])), bytes.fromhex(span_id(link["child_run_id"]))) in {
        (one.trace_id, one.span_id) for one in root.links
    }


def test_attempts_keep_their_seconds(archive: da.Archive) -> None:
    nanoseconds = sum(
        span.end_time_unix_nano - span.start_time_unix_nano
        for line in otlp(archive)
        for span in spans_of(parsed(line))
        if any(one.key == "cicd.worker.id" for one in span.attributes) and "daganalysis.unfinished" not in {a.key for a in span.attributes}
    )
    assert nanoseconds / 1e9 == pytest.approx(archive.attempts["duration_s"].sum(), abs=1e-6)


def test_the_same_archive_gives_the_same_bytes(archive: da.Archive) -> None:
    assert "".join(otlp(archive)) == "".join(otlp(archive))


def test_a_collector_hands_the_same_spans_on(archive: da.Archive, tmp_path) -> None:
    lines = list(otlp(archive))
    sent = [span for line in lines for span in spans_of(parsed(line))]
    requests = relayed(lines, tmp_path, len(sent))
    handed_on = [
        span for request in requests for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans
    ]
    assert sum(map(count_spans, requests)) == len(sent)
    assert sorted(span.SerializeToString(deterministic=True) for span in handed_on) == sorted(
        span.SerializeToString(deterministic=True) for span in sent
    )


def test_a_run_of_very_many_attempts_is_exported_whole() -> None:
    n = 5_000 if LONG else 500
    spans = spans_of(parsed(next(otlp(many_attempts(n)))))
    assert sum(any(one.key == "daganalysis.attempt" for one in span.attributes) for span in spans) == n


def test_hostile_names_stay_texts() -> None:
    (line,) = otlp(many_attempts(1, name='x"},{"evil":1}\u202e\n</script>'))
    assert line.count("\n") == 1
    assert "\u202e" not in line
    assert json.loads(line)["resourceSpans"][0]["scopeSpans"][0]["spans"][-1]["name"] == 'x"},{"evil":1}\u202e\n</script>'
