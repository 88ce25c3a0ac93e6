"""Runs as OpenTelemetry traces: OTLP/JSON, one ``TracesData`` a line, one trace a run.

Names of attributes follow the semantic conventions for CI/CD; attributes without such a name begin with ``daganalysis.``. Ids are hashes of
the run's key, so the same run has the same ids in every export.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

from daganalysis.engine.vocabulary import FAILURES
from daganalysis.exports.traces import REQUEST_FACTS, starts_of, traces
from daganalysis.text.escaping import for_json
from daganalysis.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from daganalysis.archive import Archive
    from daganalysis.exports.traces import Span, Trace

_SCHEMA = "https://opentelemetry.io/schemas/1.43.0"
_INTERNAL, _SERVER = 1, 2
_OK, _ERROR = 1, 2
_PIPELINE_RESULTS = {
    "succeeded": "success",
    "succeeded_after_retry": "success",
    "succeeded_with_node_pass": "success",
    "passed": "skip",
    "rolled_back": "failure",
    "rollback_failed": "failure",
    "failed": "failure",
    "cancelled": "cancellation",
}
"""``cicd.pipeline.result`` of each outcome of a run; the others have no result yet."""
_TASK_RESULTS = {
    "succeeded": "success",
    "passed": "skip",
    "failed": "failure",
    "rolled_back": "failure",
    "rollback_failed": "failure",
    "interrupted": "error",
    "not_succeeded": "failure",
    "timeout": "timeout",
    "cancelled": "cancellation",
    "cancelled_before_start": "cancellation",
}
"""``cicd.pipeline.task.run.result`` of each outcome of a stage or an attempt."""

OtlpSpan = dict[str, Any]


def otlp(archive: Archive, run_ids: Sequence[str] = ()) -> Iterator[str]:
    """Yield one line of OTLP/JSON a run; ``run_ids`` are the runs to export, all by default."""
    starts = starts_of(archive, run_ids)
    for trace in traces(archive, starts):
        scope = {"scope": {"name": "daganalysis", "version": __version__}, "spans": _spans(trace, starts), "schemaUrl": _SCHEMA}
        resource = {"attributes": _attributes({"service.name": "obshell", "service.namespace": trace.run.facts["cluster"]})}
        line = {"resourceSpans": [{"resource": resource, "scopeSpans": [scope], "schemaUrl": _SCHEMA}]}
        yield for_json(msgspec.json.encode(line).decode()) + "\n"


def trace_id(run_id: str) -> str:
    """Return the id of a run's trace: 32 hexadecimal digits.

    >>> trace_id("prod-a/11") == trace_id("prod-a/11") != trace_id("prod-b/11")
    True
    """
    return hashlib.sha256(run_id.encode()).hexdigest()[:32]


def span_id(run_id: str, *keys: object) -> str:
    """Return the id of the span of a run, a stage or an attempt: 16 hexadecimal digits."""
    return hashlib.sha256("\0".join([run_id, *map(str, keys)]).encode()).hexdigest()[:16]


def _spans(trace: Trace, starts: Mapping[str, int]) -> list[OtlpSpan]:
    root = span_id(trace.run_id)
    spans = [_run_span(trace, root, starts)]
    run, created = trace.run, trace.run.facts["created_at"]
    if created is not None and created < run.start:
        spans.append(_span(trace, "queued", "queued", root, created, run.start, {"cicd.pipeline.run.state": "pending"}))
    spans += [_stage_span(trace, stage, root) for stage in trace.stages]
    shown = {stage.facts["stage"]: span_id(trace.run_id, "stage", stage.facts["stage"]) for stage in trace.stages}
    return spans + [_attempt_span(trace, attempt, shown.get(attempt.facts["stage"], root)) for attempt in trace.attempts]


def _run_span(trace: Trace, root: str, starts: Mapping[str, int]) -> OtlpSpan:
    dag, created = trace.run.facts, trace.run.facts["created_at"]
    start = min(trace.run.start, created) if created is not None else trace.run.start
    facts = {
        "cicd.pipeline.name": dag["workflow"],
        "cicd.pipeline.action.name": "RUN",
        "cicd.pipeline.run.id": trace.run_id,
        "cicd.pipeline.result": _PIPELINE_RESULTS.get(dag["outcome"]),
        "daganalysis.name": dag["name"],
        "daganalysis.outcome": dag["outcome"],
        "daganalysis.history": dag["history"],
        "daganalysis.elapsed_s": dag["elapsed_s"],
        "daganalysis.retries_min": dag["retries_min"],
        "daganalysis.retries_max": dag["retries_max"],
        "daganalysis.attempts_without_start": trace.attempts_without_start or None,
        **_unfinished(trace.run),
    }
    span = _span(trace, f"RUN {dag['workflow'] or 'unnamed DAG'}", None, "", start, trace.run.end, facts, kind=_SERVER)
    span["spanId"] = root
    if _PIPELINE_RESULTS.get(dag["outcome"]) == "failure":
        span["status"] = {"code": _ERROR, "message": dag["outcome"]}
    span["links"] = [
        {"traceId": trace_id(child["child_run_id"]), "spanId": span_id(child["child_run_id"]), "attributes": _attributes(_of_link(child))}
        for child in trace.children
        if child["child_run_id"] in starts
    ]
    span["events"] = [
        {"timeUnixNano": str(at), "name": operation["operation"], "attributes": _attributes(_of_operation(operation))}
        for at, operation in trace.operations
    ]
    return span


def _stage_span(trace: Trace, stage: Span, root: str) -> OtlpSpan:
    row = stage.facts
    facts = {
        "cicd.pipeline.task.name": row["name"],
        "cicd.pipeline.task.run.id": row["node_gid"],
        "cicd.pipeline.task.run.result": _TASK_RESULTS.get(row["outcome"]),
        "daganalysis.stage": row["stage"],
        "daganalysis.outcome": row["outcome"],
        **_unfinished(stage),
    }
    name = f"{row['stage']} {row['name'] or ''}".strip()
    return _span(trace, name, ("stage", row["stage"]), root, stage.start, stage.end, facts)


def _attempt_span(trace: Trace, attempt: Span, parent: str) -> OtlpSpan:
    row = attempt.facts
    facts = {
        "cicd.pipeline.task.name": row["name"],
        "cicd.pipeline.task.run.id": f"{row['task_gid']}/{row['attempt']}",
        "cicd.pipeline.task.run.result": _TASK_RESULTS.get(row["outcome"]),
        "cicd.worker.id": row["agent"],
        "cicd.worker.name": row["agent"],
        "daganalysis.attempt": row["attempt"],
        "daganalysis.kind": row["kind"],
        "daganalysis.outcome": row["outcome"],
        "daganalysis.evidence": row["evidence"],
        "daganalysis.task_logs": row["task_logs"],
        **_unfinished(attempt),
    }
    key = ("attempt", row["task_gid"], row["attempt"])
    span = _span(trace, row["name"] or row["task_gid"], key, parent, attempt.start, attempt.end, facts)
    if row["outcome"] in FAILURES:
        span["status"] = {"code": _ERROR, "message": row["outcome"]}
    elif row["outcome"] == "succeeded":
        span["status"] = {"code": _OK}
    return span


def _of_link(child: Mapping[str, Any]) -> dict[str, Any]:
    return {"daganalysis.child.kind": child["kind"], "daganalysis.child.run_id": child["child_run_id"]}


def _of_operation(operation: Mapping[str, Any]) -> dict[str, Any]:
    return {f"daganalysis.{name}": operation[name] for name in REQUEST_FACTS}


def _unfinished(span: Span) -> dict[str, bool]:
    return {} if span.end_is_known else {"daganalysis.unfinished": True}


def _span(
    trace: Trace, name: str, key: Any, parent: str, start: int, end: int, facts: Mapping[str, Any], *, kind: int = _INTERNAL
) -> OtlpSpan:
    keys = key if isinstance(key, tuple) else (key,)
    return {
        "traceId": trace_id(trace.run_id),
        "spanId": span_id(trace.run_id, *keys),
        "parentSpanId": parent,
        "name": name,
        "kind": kind,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(end),
        "attributes": _attributes(facts),
    }


def _attributes(facts: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value": _value(value)} for name, value in facts.items() if value is not None]


def _value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, list):
        return {"arrayValue": {"values": [_value(one) for one in value]}}
    return {"stringValue": str(value)}
