"""Every code an issue may have: how grave, what it means, what to do. The documentation page is made from this."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from daganalysis.reading.answers import Issue
from daganalysis.urls import without_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


@dataclass(frozen=True, slots=True)
class IssueCode:
    """One kind of issue. ``error``: a record was rejected; ``warning``: a value was, or is doubtful; ``info``: good to know."""

    code: str
    severity: str
    meaning: str
    hint: str
    hints_by_status: Mapping[int, str] = field(default_factory=dict)
    """What to do instead where the server answered with this HTTP status."""

    @property
    def every_hint(self) -> str:
        """The hint, and those that depend on the HTTP status."""
        return "; ".join([*filter(None, [self.hint]), *(f"{status}: {hint}" for status, hint in self.hints_by_status.items())])


_FETCH_AGAIN = "fetch the answer again, or ask whoever saved it"

_IF_TRUSTED = "if it is to be trusted, load it with --unpacked-max or other limits"

_IF_MEMORY = "save each answer by itself, or load with --unpacked-max if there is ten times its size of memory for each of --jobs"

_SAVE_DAG = "save GET /api/v1/task/dag/{id} of that DAG from its agent as well"

_CODES = (
    # whole files
    IssueCode("empty-file", "error", "the file holds nothing", _FETCH_AGAIN),
    IssueCode("unreadable-file", "error", "the file cannot be opened", "check its permissions"),
    IssueCode("vanished-file", "error", "the file was there when the folder was listed, and is gone", "load again"),
    IssueCode("changed-file", "warning", "the file changed while it was read", "load again once nobody writes it any more"),
    IssueCode("not-a-file", "warning", "a FIFO, socket, device or broken link", "save the answers into ordinary files"),
    IssueCode("link-loop", "warning", "a symbolic link leads back to a folder it lies in; it was not followed", "remove the link"),
    IssueCode("skipped-file", "info", "a file without answers: a picture, a program, a hidden file, a text about something else", ""),
    IssueCode("other-log", "info", "a log of another program", "save the answers of the task API"),
    IssueCode(
        "unusable-form",
        "warning",
        "what obshell tells of a task, in a form that has lost too much to be read",
        "save the answers of the task API as they come",
    ),
    IssueCode("encrypted-archive", "error", "an archive with a password", "unpack it first"),
    IssueCode("unread-archive", "warning", "an archive of a kind that cannot be opened", "unpack it first"),
    IssueCode(
        "more-issues", "warning", "more issues of one kind in one file than are listed", "look at the first of them; the others are alike"
    ),
    IssueCode("damaged-archive", "error", "a compressed file or archive is damaged; what came before the damage was read", _FETCH_AGAIN),
    IssueCode(
        "unpacks-too-large",
        "error",
        "it unpacks to more than the limits allow, as a compression bomb does",
        _IF_TRUSTED,
    ),
    IssueCode("archive-too-deep", "error", "an archive in an archive in an archive …", "unpack it first"),
    IssueCode(
        "unsafe-member-path",
        "warning",
        "a member of an archive whose path climbs out of it; it was read, never unpacked",
        "do not unpack this archive by other means",
    ),
    IssueCode("not-a-member-file", "info", "a member of an archive that is no ordinary file", ""),
    # copies of databases
    IssueCode(
        "damaged-database",
        "error",
        "an agent's database that is damaged; what can still be read was",
        "copy .meta, .meta-wal and .meta-journal together again",
    ),
    IssueCode("not-an-agents-database", "info", "an SQLite database of another program; it was set aside", ""),
    IssueCode(
        "no-agent-address",
        "error",
        "an agent's database that does not tell whose it is, so its DAGs have no generic ids",
        "copy it again; its table ocs_info holds the address",
    ),
    IssueCode("truncated-dump", "error", "a dump that ends in the middle; the rows before were read", "dump the database again"),
    IssueCode(
        "wrong-row",
        "warning",
        "a row of a dump that does not fit its columns; it was left out",
        "dump with backslash escapes, and with a header",
    ),
    IssueCode(
        "incomplete-dump",
        "warning",
        "a dump without some of the tables of tasks",
        "dump all the tables of ocs that hold tasks, into one folder",
    ),
    IssueCode("no-tasks-in-dump", "info", "a dump without tasks and agents; it was set aside", ""),
    IssueCode(
        "unknown-time-zone",
        "warning",
        "times without a zone, which are left out; states, counters and log lines were read",
        "give the zone of the session with --tz, or dump with SET time_zone = '+00:00'",
    ),
    IssueCode("given-time-zone", "info", "times without a zone, which were read as those of the zone that was given", ""),
    # documents
    IssueCode("html-page", "error", "a web page, perhaps of a login, saved in place of an answer", "fetch the answer again, logged in"),
    IssueCode("no-json", "error", "no JSON document in it", _FETCH_AGAIN),
    IssueCode("truncated-json", "error", "the document ends in the middle", _FETCH_AGAIN),
    IssueCode("invalid-json", "error", "the document is no JSON", _FETCH_AGAIN),
    IssueCode(
        "nearly-json", "warning", "JSON with comments, bare words or other quotes, which JSON does not allow; it was read", _FETCH_AGAIN
    ),
    IssueCode(
        "trailing-comma", "error", "a comma before a closing bracket, which JSON does not allow", "remove it if the file was edited by hand"
    ),
    IssueCode("nested-too-deep", "error", "brackets nested deeper than any answer has them", _FETCH_AGAIN),
    IssueCode("document-too-large", "error", "one document is larger than the limits allow", _IF_MEMORY),
    IssueCode("invalid-utf8", "warning", "bytes that are no UTF-8; each was replaced", "check how the answer was saved"),
    IssueCode(
        "other-encoding",
        "info",
        "a text in another encoding than UTF-8, told by its bytes",
        "look at the names in it; save answers as UTF-8",
    ),
    IssueCode("lone-surrogate", "warning", "half a surrogate pair in a text; it was replaced", ""),
    IssueCode("control-character", "warning", "control characters in a text, unescaped", ""),
    IssueCode("not-a-number", "warning", "NaN or Infinity, taken as null", ""),
    IssueCode("huge-number", "warning", "a number too large to be one, taken as text", ""),
    IssueCode("duplicate-key", "warning", "a key twice in one object; the last one counts", ""),
    # answers
    IssueCode(
        "error-answer",
        "info",
        "the server answered with an error",
        "the message says why; ask again once that is settled",
        {
            400: "a request without the header X-OCS-Header is refused: use the unix socket run/obshell.sock, or the obshell SDK",
            401: "the server did not accept the credentials: use the unix socket run/obshell.sock, or the password of root@sys",
            403: "the server did not accept the credentials: use the unix socket run/obshell.sock, or the password of root@sys",
            404: "while OceanBase is down a 404 is no sign that the DAG is gone",
        },
    ),
    IssueCode("no-payload", "info", "a success without data, as an operator's request gets", ""),
    IssueCode("empty-list", "info", "a list without DAGs", ""),
    IssueCode("not-a-task", "info", "an answer of another endpoint; it was set aside", ""),
    IssueCode(
        "unread-answer",
        "warning",
        "it has fields of a task answer, but cannot be used",
        "save the answers of the task API as they come",
    ),
    IssueCode(
        "database-row",
        "warning",
        "a row of the engine's database as JSON, not an answer; it becomes no run",
        "copy the agent's .meta, or dump the tables of ocs as SQL, TSV or CSV",
    ),
    IssueCode(
        "wrapper-time", "info", "an answer without an envelope was ordered by the time of what it lies in, which another clock wrote", ""
    ),
    IssueCode("no-id", "error", "an object without an id cannot be told from others", _FETCH_AGAIN),
    IssueCode("wrong-id", "error", "not a valid id", _FETCH_AGAIN),
    IssueCode("wrong-type", "warning", "a field of a wrong type, taken as null", ""),
    IssueCode("wrong-value", "warning", "a value outside its range, taken as null", ""),
    IssueCode("wrong-time", "warning", "a text that is no instant, taken as null", ""),
    IssueCode("duplicate-id", "warning", "one id twice in one answer; the first one counts", ""),
    IssueCode("nodes-out-of-order", "warning", "ids and times say another order of nodes than the answer; theirs was taken", ""),
    # what answers say together
    IssueCode(
        "id-came-back",
        "warning",
        "one id, two DAGs: a cluster re-created, or clusters mixed up",
        "give each cluster a label with --cluster or --cluster-by",
    ),
    IssueCode(
        "contradiction",
        "warning",
        "answers that cannot belong to one history",
        "check whether answers of two clusters, or of agents with wrong clocks, lie together",
    ),
    IssueCode(
        "hand-outs-not-listed",
        "warning",
        "execute_times is so large that hand-outs that nothing shows have no row in attempts; the bounds of retries count them",
        "check whether execute_times is right",
    ),
    IssueCode(
        "log-order-unknown",
        "warning",
        "answers about one sub-task differ in too many lines to be aligned; the lines that only later ones have stand behind the others",
        "look at the order of these lines in the answers themselves",
    ),
    IssueCode("unknown-state", "warning", "a state that the engine does not have", ""),
    IssueCode("unknown-operator", "warning", "an operator that the engine does not have", ""),
    IssueCode(
        "rolled-back-not-redone",
        "warning",
        "work that was rolled back was not done again, yet the run succeeded",
        "check the work of that stage on these agents",
    ),
    IssueCode(
        "locks-overlap",
        "warning",
        "two DAGs that exclude each other seem to have held a maintenance lock at the same time",
        "check whether answers of two clusters lie together, and whether the agents' clocks agree",
    ),
    IssueCode(
        "ran-into-timeout",
        "info",
        "no answer shows when a sub-task ran, but it ran into its timeout: that long it worked, at some time between the instants named",
        "save more answers while it runs, or the agents' logs, to see when",
    ),
    IssueCode(
        "clocks-differ",
        "warning",
        "clocks of agents are 0.1 s or more from the scheduler's, as cause and effect show",
        "set the clocks of the agents by one source",
    ),
    IssueCode(
        "zones-differ",
        "warning",
        "the zone of the database's session is not that of the agents, so that times of cluster DAGs are off by whole quarter hours",
        "give the agents (TZ) and the database (time_zone) the same zone",
    ),
    IssueCode(
        "ended-before-start",
        "warning",
        "an end lies before its start: a clock was set back, or the scheduler moved to another server in between",
        "look for a clock step, or a change of the maintainer, at that time",
    ),
    IssueCode("child-not-in-archive", "info", "a child DAG that no answer describes", _SAVE_DAG),
    IssueCode(
        "log-zone-unknown",
        "warning",
        "the log of an agent whose times are in an unknown zone; its times are not used",
        "load with --tz, or with answers that were saved from this agent",
    ),
    IssueCode(
        "details-missing",
        "info",
        "no answer shows the nodes, the sub-tasks or the counters of a run: nothing tells of its attempts",
        "save its answer with show_details=true",
    ),
    IssueCode(
        "nodes-missing",
        "warning",
        "answers hold fewer nodes than the run has stages: they were filtered, or nodes were rejected; a stage is given where it is proven",
        "save the whole answer, with show_details=true",
    ),
    IssueCode("orphan-node", "info", "a node whose DAG no answer describes", _SAVE_DAG),
    IssueCode("orphan-sub-task", "info", "a sub-task whose DAG no answer describes", _SAVE_DAG),
    IssueCode("orphan-logs", "info", "log records of a sub-task that no answer describes", _SAVE_DAG),
)

ISSUE_CODES = MappingProxyType({entry.code: entry for entry in _CODES})
"""Every issue code by name."""


def issue(
    code: str, source: str | None, position: str | None, message: str, *, run_id: str | None = None, severity: str | None = None
) -> Issue:
    """Make an issue of a known code, with the hint that belongs to it, and its severity unless the caller knows better.

    >>> issue("empty-file", "a.json", None, "0 bytes").severity
    'error'
    """
    known = ISSUE_CODES[code]
    return Issue(severity or known.severity, code, source, position, run_id, without_secrets(message), known.hint or None)


def issue_of_row(values: Sequence[str | None]) -> Issue:
    """Return an issue as it was found when its source was read, from its fields in their order."""
    severity, code, source, position, run_id, message, hint = values
    return Issue(severity or "", code or "", source, position, run_id, message or "", hint)


def error_answer(source: str, position: str, http_status: int | None, message: str) -> Issue:
    """Make the issue of an answer that is an error; what to do depends on its HTTP status.

    >>> error_answer("a.json", "byte 0", 404, "2300: task not found").hint
    'while OceanBase is down a 404 is no sign that the DAG is gone'
    """
    found = issue("error-answer", source, position, message if http_status is None else f"{http_status}, {message}")
    hint = ISSUE_CODES["error-answer"].hints_by_status.get(http_status or 0, found.hint)
    return replace(found, hint=hint)
