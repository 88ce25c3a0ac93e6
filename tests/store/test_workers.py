"""A load with worker processes is sound wherever Python runs, with warnings as errors."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
import pytest

from daganalysis.errors import DagAnalysisError
from daganalysis.loading import load_into_store
from daganalysis.loading.workers import Workers

ROOT = Path(__file__).parent.parent.parent
LOAD = """
import os
from daganalysis.loading import into_store, load_into_store
into_store._WORTH_A_PROCESS = 0  # worker processes for a small archive too
def load():
    archive = load_into_store("sample_data/fleet", "sample_data/start", cluster_by="dir", store=os.environ["STORE"], jobs=2)
    print(len(archive), "runs")
"""
SCRIPT = LOAD + "load()\n"
THREADED = (
    LOAD
    + """
import threading
import pyarrow as pa
pa.array(range(100_000)).cast(pa.string())  # Arrow's own threads run
busy, thread = threading.Event(), threading.Thread(target=load)
other = threading.Thread(target=busy.wait)
other.start()
thread.start()
thread.join()
busy.set()
"""
)


def run(*arguments: str, store: Path, text: str | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "STORE": str(store)}
    command = [sys.executable, "-W", "error", *arguments]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)


@pytest.mark.parametrize("source", [SCRIPT, THREADED], ids=["without a main guard", "with threads"])
def test_a_script_can_load_with_workers(source: str, tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(source)
    done = run(str(tmp_path / "script.py"), store=tmp_path / "store")
    assert (done.stdout, done.stderr) == ("89 runs\n", "")


STARTED = """
import os, threading
from daganalysis.loading import into_store, workers
into_store._WORTH_A_PROCESS = 0
pool_of = workers.Workers._pool_of
def told(self, size):
    print(workers._context().get_start_method())
    return pool_of(self, size)
workers.Workers._pool_of = told
"""
COMMAND = """
from daganalysis.commands import main
main(["load", "sample_data/fleet", "sample_data/start", "--out", os.environ["STORE"], "--cluster-by", "dir", "--jobs", "2"])
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux tells how many threads a process has")
@pytest.mark.parametrize(
    ("before", "method"), [("", "fork"), ("threading.Thread(target=threading.Event().wait, daemon=True).start()", "forkserver")]
)
def test_only_a_process_with_one_thread_is_forked(before: str, method: str, tmp_path: Path) -> None:
    environment = "import os\nos.environ |= {'OPENBLAS_NUM_THREADS': '1', 'JE_ARROW_MALLOC_CONF': 'background_thread:false'}\n"
    done = run("-c", environment + STARTED + before + COMMAND, store=tmp_path / "store")
    assert done.stdout.splitlines()[0] == method
    assert done.stderr.startswith("daganalysis: 89 runs ")


IMPORTED = """
import os
import told
os.environ |= {"OPENBLAS_NUM_THREADS": "1", "JE_ARROW_MALLOC_CONF": "background_thread:false"}
from daganalysis.loading.workers import Workers
with Workers(2) as workers:
    for _ in range(2):
        print(*workers.over(told.is_imported, ["numpy", "pyarrow"]))
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux tells how many threads a process has")
def test_only_workers_for_the_second_list_of_pieces_have_numpy_and_arrow(tmp_path: Path) -> None:
    (tmp_path / "told.py").write_text("import sys\ndef is_imported(name):\n    return name in sys.modules\n")
    (tmp_path / "script.py").write_text(IMPORTED)
    done = run(str(tmp_path / "script.py"), store=tmp_path / "store")
    assert (done.stdout, done.stderr) == ("False False\nTrue True\n", "")


def test_an_interactive_session_can_load_with_workers(tmp_path: Path) -> None:
    done = run("-q", "-i", "-", store=tmp_path / "store", text=SCRIPT.replace("\nload()", "\n\nload()"))
    assert "89 runs" in done.stdout
    assert "Error" not in done.stderr


@pytest.mark.long
def test_a_notebook_can_load_with_workers(tmp_path: Path) -> None:
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(SCRIPT.replace('os.environ["STORE"]', repr(str(tmp_path / "store"))))]
    )
    NotebookClient(notebook, resources={"metadata": {"path": str(ROOT)}}, shutdown_kernel="immediate").execute()
    assert notebook.cells[0].outputs[0]["text"] == "89 runs\n"


def test_workers_and_one_process_make_the_same_tables(tmp_path: Path) -> None:
    alone = load_into_store(
        ROOT / "sample_data" / "fleet", ROOT / "sample_data" / "start", cluster_by="dir", store=tmp_path / "alone", jobs=1
    )
    assert run("-c", SCRIPT, store=tmp_path / "together").stdout == f"{len(alone)} runs\n"
    assert pq.read_table(tmp_path / "alone" / "attempts").equals(pq.read_table(tmp_path / "together" / "attempts"))


class Sources(NamedTuple):
    """A piece of work with a name."""

    name: str

    def names(self) -> list[str]:
        return [self.name]


def killed(piece: Sources) -> str:
    if piece.name == "b.json":
        os.kill(os.getpid(), signal.SIGKILL)
    return piece.name


def out_of_memory(piece: Sources) -> str:
    raise MemoryError


def test_a_worker_that_dies_is_reported_with_what_it_worked_on() -> None:
    pieces = [Sources("a.json"), Sources("b.json")]
    with Workers(2) as workers, pytest.raises(DagAnalysisError, match=r"a worker process was killed.*b\.json.*--jobs 1"):
        list(workers.over(killed, pieces))


@pytest.mark.parametrize("jobs", [1, 2])
def test_memory_that_runs_out_is_reported_with_what_was_worked_on(jobs: int) -> None:
    with Workers(jobs) as workers, pytest.raises(DagAnalysisError, match=r"memory ran out: a\.json.*--jobs 1"):
        list(workers.over(out_of_memory, [Sources("a.json"), Sources("b.json")]))


SHORT_OF_MEMORY = """
import resource, sys
import pyarrow as pa
from daganalysis.store.kept_answers import TEXTS
from daganalysis.store.parts import write_parquet
table = pa.table({"text": ["x" * (40 << 20)]})
from pathlib import Path
write_parquet(table.slice(0, 0), Path(sys.argv[1] + "0"), TEXTS, [], 100)  # imports all that it takes
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
for spare in range(0, 800 << 20, 20 << 20):
    resource.setrlimit(resource.RLIMIT_AS, (used + spare, resource.RLIM_INFINITY))
    try:
        write_parquet(table, Path(sys.argv[1] + str(spare)), TEXTS, [], 100)
    except MemoryError:
        continue
    break
else:
    spare = None
print("refused" if spare else "never")
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs to know how much memory is used")
def test_writing_a_long_text_with_too_little_memory_is_an_error_of_python(tmp_path: Path) -> None:
    done = run("-c", SHORT_OF_MEMORY, str(tmp_path / "part"), store=tmp_path)
    assert (done.stdout, done.returncode) == ("refused\n", 0), done.stderr
