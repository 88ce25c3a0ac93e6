"""Copies of obshell's databases: an agent's own (``.meta``, SQLite) and dumps of the cluster's (``ocs``).

They become answers in the API's own layout, and facts beside them (:mod:`daganalysis.engine.facts`), so nothing that follows has to know
where a row came from. ``copies`` recognises such files by their content. Dumps are read as a stream (``sql_dump``, ``database_rows``) and
put aside in a private place (``staging``), where rows are joined and turned into answers (``database_answers``). Both databases hold
secrets: ``schema`` lists the tables and columns that are read, ``database_links`` the keys that are read from a task's context.
"""
