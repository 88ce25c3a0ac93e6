"""Runs as Chrome's Trace Event Format, which Perfetto (ui.perfetto.dev) and chrome://tracing open.

A process is a run. Its first thread is the timeline and its second the stages. Each agent has as many threads as it takes for no two slices
of a thread to overlap. Times are microseconds since the first run's start, which ``otherData`` names. Several runs share one axis.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any

import msgspec

from daganalysis.engine.vocabulary import FAILURES
from daganalysis.exports.traces import REQUEST_FACTS, Span, starts_of, traces
from daganalysis.text.escaping import for_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from daganalysis.archive import Archive
    from daganalysis.exports.traces import Trace

_TIMELINE, _STAGES, _FIRST_AGENT = 1, 2, 10
"""Numbers of threads within a process."""
Event = dict[str, Any]


def chrome_trace(archive: Archive, run_ids: Sequence[str] = ()) -> Iterator[str]:
    """Yield the text of a trace file, piece by piece; ``run_ids`` are the runs to export, all by default."""
    starts = starts_of(archive, run_ids)
    metadata = {"time_zero": _instant(next(iter(starts.values()), None)), "producer": "daganalysis"}
    yield '{"displayTimeUnit":"ms",\n"otherData":' + _text(metadata) + ',\n"traceEvents":[\n'
    before = ""
    processes = {run_id: number for number, run_id in enumerate(starts, start=1)}
    for trace in traces(archive, starts):
        for event in _Process(trace, processes, starts).events():
            yield before + _text(event)
            before = ",\n"
    yield "\n]}\n"


def _text(value: object) -> str:
    return for_json(msgspec.json.encode(value).decode())


def _instant(nanoseconds: int | None) -> str | None:
    if nanoseconds is None:
        return None
    import pandas as pd

    return pd.Timestamp(nanoseconds, tz="UTC").isoformat().replace("+00:00", "Z")


class _Process:
    """The events of one run."""

    def __init__(self, trace: Trace, processes: Mapping[str, int], starts: Mapping[str, int]) -> None:
        self._trace, self._processes, self._starts = trace, processes, starts
        self._pid = processes[trace.run_id]
        self._origin = next(iter(starts.values()))
        self._lanes = list(_lanes(trace.attempts))

    def events(self) -> Iterator[Event]:
        trace = self._trace
        yield from self._names()
        for stretch in trace.stretches:
            yield self._slice(_TIMELINE, stretch, stretch.facts["category"], "timeline", ("seq", "leg", "direction", "evidence"))
        for stage in trace.stages:
            name = f"{stage.facts['stage']} {stage.facts['name'] or ''}".strip()
            yield self._slice(_STAGES, stage, name, "stage", ("stage", "node_gid", "state", "operator", "outcome"))
        for number, (_, spans) in enumerate(self._lanes, start=_FIRST_AGENT):
            for span in spans:
                yield self._attempt(number, span)
        for at, operation in trace.operations:
            yield {
                "ph": "i", "s": "p", "pid": self._pid, "tid": _TIMELINE, "ts": self._at(at), "cat": "operation",
                "name": operation["operation"], "args": self._args(operation, REQUEST_FACTS),
            }  # fmt: skip
        for child in trace.children:
            yield from self._flow(child)

    def _names(self) -> Iterator[Event]:
        run = self._trace.run.facts
        yield self._meta("process_name", name=f"{run['name'] or 'unnamed DAG'} · {run['run_id']}")
        yield self._meta("process_labels", labels=run["outcome"])
        yield self._meta("process_sort_index", sort_index=self._pid)
        threads = {_TIMELINE: "timeline", _STAGES: "stages"}
        threads |= {number: name for number, (name, _) in enumerate(self._lanes, start=_FIRST_AGENT)}
        for number, name in threads.items():
            yield self._meta("thread_name", tid=number, name=name)
            yield self._meta("thread_sort_index", tid=number, sort_index=number)

    def _meta(self, what: str, *, tid: int = 0, **args: object) -> Event:
        return {"ph": "M", "pid": self._pid, "tid": tid, "name": what, "args": args}

    def _attempt(self, tid: int, span: Span) -> Event:
        name = f"{span.facts['name'] or 'sub-task ' + span.facts['task_gid']}"
        number = span.facts["attempt"]
        event = self._slice(
            tid,
            span,
            name if number == 1 else f"{name} (attempt {number})",
            "attempt",
            ("stage", "task_gid", "attempt", "kind", "outcome", "agent", "evidence", "task_logs"),
        )
        if span.facts["outcome"] in FAILURES:
            event["cname"] = "terrible"
        return event

    def _slice(self, tid: int, span: Span, name: str, category: str, facts: Iterable[str]) -> Event:
        args = self._args(span.facts, facts)
        if not span.end_is_known:
            args["unfinished"] = True
        return {
            "ph": "X", "pid": self._pid, "tid": tid, "ts": self._at(span.start), "dur": (span.end - span.start) / 1000,
            "cat": category, "name": name, "args": args,
        }  # fmt: skip

    def _args(self, row: dict[str, Any], names: Iterable[str]) -> Event:
        return {name: row[name] for name in names if row.get(name) is not None}

    def _at(self, nanoseconds: int) -> float:
        return (nanoseconds - self._origin) / 1000

    def _flow(self, child: dict[str, Any]) -> Iterator[Event]:
        """An arrow from the main DAG's timeline to the child's, at the child's start."""
        target = self._processes.get(child["child_run_id"])
        if target is None:
            return  # the child is not exported
        start = self._starts[child["child_run_id"]]
        shared = {"cat": "child", "name": child["kind"], "id": f"{self._trace.run_id} > {child['child_run_id']}", "tid": _TIMELINE}
        yield {"ph": "s", "pid": self._pid, "ts": self._at(max(start, self._trace.run.start)), **shared}
        yield {"ph": "f", "bp": "e", "pid": target, "ts": self._at(start), **shared}


def _lanes(attempts: Iterable[Span]) -> Iterator[tuple[str, list[Span]]]:
    """Yield the threads of the agents, each with its name and its slices."""
    of_agent: dict[str, list[Span]] = {}
    for span in attempts:
        of_agent.setdefault(span.facts["agent"] or "agent unknown", []).append(span)
    for agent in sorted(of_agent):
        for number, spans in enumerate(without_overlap(of_agent[agent]), start=1):
            yield (agent if number == 1 else f"{agent} ({number})"), spans


def without_overlap(spans: Iterable[Span]) -> list[list[Span]]:
    """Share spans out to as few lanes as it takes for no two spans of a lane to overlap.

    >>> [len(lane) for lane in without_overlap([Span(0, 10, {}), Span(5, 8, {}), Span(10, 12, {})])]
    [1, 2]
    """
    lanes: list[list[Span]] = []
    free: list[tuple[int, int]] = []  # when each lane is free again, with its number
    for span in sorted(spans, key=lambda one: (one.start, one.end)):
        if free and free[0][0] <= span.start:
            _, number = heapq.heappop(free)
        else:
            number = len(lanes)
            lanes.append([])
        lanes[number].append(span)
        heapq.heappush(free, (span.end, number))
    return lanes
