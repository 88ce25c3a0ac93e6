"""A small model of the obshell task engine: it runs DAGs by the rules of the real one and answers as its API would at any moment.

Rows are overwritten as the server overwrites them, so a single answer forgets what the real one forgets, while the model keeps the truth
beside it. Everything follows from a seed: the same seed gives the same bytes on every machine.
"""

from enginemodel.answers import answer, listing, log_answer, node_answer, sub_task_answer
from enginemodel.dag_parts import Agent, Attempt, Failure, Stage, Task, Trouble
from enginemodel.databases import SECRETS, agent_tables, cluster_tables, write_agent_database
from enginemodel.dumps import as_csv, as_sql, as_tsv
from enginemodel.engine import DagRun
from enginemodel.logs import LOG_SECRETS, agent_logs
from enginemodel.rough import ROUGH, Conditions, rough_run
from enginemodel.scenarios import (
    initialise_cluster,
    local_dag_id,
    random_run,
    scale_out,
    start_cluster,
)

__all__ = [
    "LOG_SECRETS",
    "ROUGH",
    "SECRETS",
    "Agent",
    "Attempt",
    "Conditions",
    "DagRun",
    "Failure",
    "Stage",
    "Task",
    "Trouble",
    "agent_logs",
    "agent_tables",
    "answer",
    "as_csv",
    "as_sql",
    "as_tsv",
    "cluster_tables",
    "initialise_cluster",
    "listing",
    "local_dag_id",
    "log_answer",
    "node_answer",
    "random_run",
    "rough_run",
    "scale_out",
    "start_cluster",
    "sub_task_answer",
    "write_agent_database",
]
