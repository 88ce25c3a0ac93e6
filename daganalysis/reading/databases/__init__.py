"""Copies of obshell's databases: an agent's own (``.meta``, SQLite) and dumps of the cluster's (``ocs``).

They become answers in the API's own layout, and facts beside them (:mod:`daganalysis.engine.facts`), so nothing that follows has to know
where a row came from. Which files are such copies is told by what they hold (``copies``); dumps are read as a stream (``sql_dump``,
``rows``) and put aside in a private place (``staging``), where rows are joined and turned into answers (``answers_of``). Both databases
hold secrets: ``schema`` lists the tables and columns that are read, ``links`` what is taken of a task's context.
"""
