"""What the requests in agents' logs tell of DAGs that no answer shows: who created them, their names, their main DAGs."""

from __future__ import annotations

import io
from pathlib import Path

import daganalysis as da
from daganalysis.engine.facts import AnyFact, Child, Request
from daganalysis.obshell_logs import read_log

MAIN, CHILD = "22130706433028869", "22130706434028863"


def line(time: str, message: str, trace: str = "F000000000000000") -> str:
    return f"2025-03-01T{time} INFO  [4711] [{trace}] [common/middleware.go:266] {message}\n"


def facts_of(text: str) -> list[AnyFact]:
    return [fact for told in read_log(io.BytesIO(text.encode()), "127.0.0.2_2886/obshell.log") for fact in told.facts]


def request(at: str, what: str, *, client: str, trace: str, body: str, answer: str = "status=200, data=<nil>") -> str:
    head = f"{what}, client={client}, traceId={trace}"
    asked = line(at, f"API request: [{head}, body={body}]", trace)
    return asked + line(at[:-1] + "9", f"API response OK: [{head}, duration=6, {answer}]", trace)


SUB_DAG = request(
    "10:00:00.100",
    "POST /rpc/v1/ob/start",
    client="127.0.0.1",
    trace="b57399f4918c5f36",
    body=f'{{"Agent":{{"ip":"127.0.0.1","port":2886}},"genecric_id":"{MAIN}","expected_stage":3,"rootPwd":"hunter2"}}',
    answer=f"status=200, data=&{{SubDagInfo:{{GenericID:{CHILD} ExpectedStage:5}} ForcePassDagParam:{{ID:[]}}}}",
)


def test_a_main_dag_that_has_a_sub_dag_created_is_told_with_its_name() -> None:
    (child,) = [fact for fact in facts_of(SUB_DAG) if isinstance(fact, Child)]
    assert (child.dag_gid, child.parent_gid, child.name, child.client) == (CHILD, MAIN, "Start observer", "127.0.0.1")


def test_a_sub_dag_whose_creation_was_refused_is_none() -> None:
    refused = SUB_DAG.replace("API response OK", "API response error").replace(f"data=&{{SubDagInfo:{{GenericID:{CHILD} ", "data=<nil>, {")
    assert not any(isinstance(fact, Child) for fact in facts_of(refused))


def passes(dag: str, node: int, task: int, times: tuple[str, str], name: str, said: str = "working") -> str:
    """What a local scheduler and its executor write of a node that succeeds at once, and of the DAG that ends with it."""
    begun, ended = times
    local = "LS00000000000000"
    texts = (
        (begun, f"advance dag {dag}"),
        (begun, f"advance node {node}"),
        (begun, f"advanceTask: node {node} operator 1"),
        (begun, f"sub task {task} state 1"),
        (begun, "ready Task num 1, isFinished false, isSucceed false"),
        (begun, f"ready sub task {task} operator 1"),
        (begun, f"add task {task} to ExecutorPool"),
        (begun, f"start to task {task} execute"),
        (begun, f"execute task {task}, execute"),
        (begun, f"task {task} {name} execute log: {said}"),
        (begun, f"finishing local task {task}"),
        (begun, f"finish task {task} end"),
        (ended, f"advance dag {dag}"),
        (ended, f"advance node {node}"),
        (ended, f"advanceTask: node {node} operator 1"),
        (ended, f"sub task {task} state 5"),
        (ended, "ready Task num 0, isFinished true, isSucceed true"),
    )
    return "".join(line(at, text, local) for at, text in texts)


def zone(at: str) -> str:
    text = "set maintainer: 127.0.0.1:2886, life time: 5.0, last update time: 2025-03-01 {}.5 +0800 CST m=+1.0"
    return line(at, text.format(at[:8]))


def saved(folder: Path, *parts: str) -> Path:
    home = folder / "127.0.0.2_2886" / "log_obshell"
    home.mkdir(parents=True)
    (home / "obshell.log").write_text(zone("09:59:00.000") + "".join(parts) + zone("10:05:00.000"), encoding="utf-8")
    return folder


def test_a_run_that_logs_alone_know_is_a_child_by_the_request_that_created_it(tmp_path: Path) -> None:
    archive = da.load(saved(tmp_path, SUB_DAG, passes("3", 5, 6, ("10:00:00.500", "10:00:01.600"), "Start preparations")))
    assert archive.dags[["run_id", "name"]].values.tolist() == [[CHILD, "Start observer"]]
    assert archive.links[["parent_run_id", "child_run_id", "kind", "evidence"]].values.tolist() == [[MAIN, CHILD, "sub_dag", "log"]]
    (created,) = archive.operations.query("operation == 'create'").to_dict("records")
    assert (created["actor"], created["client"], created["agent"], created["evidence"]) == ("dag", "127.0.0.1", "127.0.0.2:2886", "log")


def test_the_child_that_a_main_dag_creates_on_its_own_agent_is_told_by_the_line_of_its_task(tmp_path: Path) -> None:
    informs = "Inform all agents to start observer"
    main = passes("2", 3, 4, ("10:00:00.300", "10:00:01.400"), informs, f"create task {CHILD} successfully")
    archive = da.load(saved(tmp_path, main, passes("3", 5, 6, ("10:00:00.500", "10:00:01.600"), "Start preparations")))
    assert archive.links[["child_run_id", "kind", "evidence"]].values.tolist() == [[CHILD, "sub_dag", "log"]]
    assert archive.dags["parent_run_id"].dropna().tolist() == [f"{CHILD[:-1]}2"]


def test_what_begins_as_a_sub_dag_was_not_created_by_the_person_who_asked_for_its_main_dag(tmp_path: Path) -> None:
    asked = request(
        "10:00:00.100",
        "POST /api/v1/ob/start",
        client="192.0.2.99",
        trace="c316e9e1da77109a",
        body='{"scope":{"type":"GLOBAL"}}',
        answer="status=200, data=&{GenericDTO:0xc21a DagDetail:0xc3fc}",
    )
    main = passes("2", 3, 4, ("10:00:00.300", "10:00:01.400"), "Inform all agents to start observer")
    own_child = passes("3", 5, 6, ("10:00:00.500", "10:00:01.600"), "Start preparations")
    archive = da.load(saved(tmp_path, asked, main, own_child))
    created = archive.operations.query("evidence == 'log'")
    assert created[["run_id", "actor", "client"]].values.tolist() == [[CHILD[:-1] + "2", "person", "192.0.2.99"]]
    assert archive.dags["name"].tolist()[0] == "Start OB"


def test_a_request_that_was_passed_on_is_told_once_with_who_asked_first(tmp_path: Path) -> None:
    target, retry = f"POST /api/v1/task/dag/{CHILD}", '"operator":"RETRY"}'
    first = line("10:00:03.000", f"API request: [{target}, client=192.0.2.99, traceId=aa, body={{{retry}]", "aa")
    first += line("10:00:03.001", f"Forward request: [{target}, client=192.0.2.99, agent=127.0.0.2:2886]", "aa")
    first += line(
        "10:00:03.020", f"API response OK: [{target}, client=192.0.2.99, agent=127.0.0.2:2886, traceId=aa, duration=19, status=200]"
    )
    second = request("10:00:03.010", target, client="127.0.0.1", trace="bb", body=f'{{"id":"{CHILD}",{retry}')
    asked_first = tmp_path / "127.0.0.1_2886" / "log_obshell"
    asked_first.mkdir(parents=True)
    (asked_first / "obshell.log").write_text(zone("09:59:00.000") + first + zone("10:05:00.000"), encoding="utf-8")
    own = passes("3", 5, 6, ("10:00:00.500", "10:00:01.600"), "Work")
    operations = da.load(saved(tmp_path, own, second)).operations.query("operation == 'retry'")
    assert operations[["actor", "client", "agent", "result"]].values.tolist() == [["person", "192.0.2.99", "127.0.0.1:2886", "accepted"]]


def test_nothing_else_of_a_body_is_kept() -> None:
    assert "hunter2" not in repr(facts_of(SUB_DAG))
    assert not any(isinstance(fact, Request) for fact in facts_of(SUB_DAG))
