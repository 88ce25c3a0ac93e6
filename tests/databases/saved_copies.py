"""Copies of databases of modelled runs, saved as a DBA saves them."""

from __future__ import annotations

from enginemodel import Agent, agent_tables, as_csv, as_sql, as_tsv, cluster_tables, scale_out, start_cluster, write_agent_database
from enginemodel.dag_parts import SECOND

MORNING = 1_772_000_000 * SECOND
AGENTS = [Agent(f"192.0.2.{11 + n}", skew=0.003 * n) for n in range(3)]
NEWCOMER = Agent("192.0.2.21")


def family():
    """A cluster that is started, one observer failing, and scaled out; and a moment after all of it."""
    main, children = start_cluster(AGENTS, MORNING, broken=2, seed=3)
    outer, local = scale_out(AGENTS[0], NEWCOMER, MORNING + 3600 * SECOND)
    runs = [main, *children, outer, local]
    return runs, max(run.ended for run in runs) + 60 * SECOND


def save_agents(folder, runs, t, *, log_alone=False):
    """The ``.meta`` of every agent."""
    for agent in [*AGENTS, NEWCOMER]:
        tables = agent_tables(agent, runs, t, agents=[*AGENTS, NEWCOMER])
        write_agent_database(folder / f"{agent.ip}_{agent.port}" / ".meta", tables, log_alone=log_alone)
    return folder


def save_dump(folder, runs, t, form="sql", *, zone_s=0, zone="+00:00", context=True, without=()):
    """The cluster's ``ocs``, in one of the three forms."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = cluster_tables(runs, t, agents=[*AGENTS, NEWCOMER], zone_s=zone_s, context=context)
    kept = {name: table for name, table in tables.items() if name not in without}
    if form == "sql":
        (folder / "ocs.sql").write_bytes(as_sql(kept, zone=zone))
    else:
        for name, (columns, rows) in kept.items():
            (folder / f"{name}.{form}").write_bytes((as_tsv if form == "tsv" else as_csv)(columns, rows))
    return folder
