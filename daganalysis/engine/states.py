"""The states and operators of obshell's objects, as the API spells them (engine-semantics §1)."""

from __future__ import annotations

from typing import Literal, get_args

State = Literal["PENDING", "READY", "RUNNING", "FAILED", "SUCCEED"]
Operator = Literal["RUN", "RETRY", "ROLLBACK", "CANCEL", "PASS"]
STATES = frozenset(get_args(State))
OPERATORS = frozenset(get_args(Operator))
ENDED = frozenset({"FAILED", "SUCCEED"})
"""States of an object that is no longer at work."""
BEGUN = frozenset({"RUNNING", *ENDED})
"""States of an object whose newest execution has begun."""
