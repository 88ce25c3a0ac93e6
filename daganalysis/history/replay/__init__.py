"""From facts of logs and databases to the answers that the API would have given: a run's scheduler and executors, replayed.

``contexts`` has each agent's zone and the times that its logs cover, ``logged_facts`` puts the facts of one run together, ``hand_outs``
numbers the attempts of each sub-task, ``logged_legs`` divides the work of the scheduler into legs, ``one_run`` writes it as answers of
those moments. ``logged_runs`` makes the runs that no answer shows, ``all_runs`` replays every run.
"""
