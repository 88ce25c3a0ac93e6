"""From facts of logs and databases to what answers would have shown: what a run's scheduler and executors did, replayed.

``contexts`` knows each agent's zone and what its logs cover, ``logged_facts`` puts the facts of one run together, ``hand_outs`` numbers the
attempts of each sub-task, ``logged_legs`` cuts what the scheduler did into legs, ``one_run`` writes it down as answers of those moments.
``logged_runs`` makes the runs of which no answer tells, ``all_runs`` replays every run.
"""
