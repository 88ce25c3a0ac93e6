"""One command an analysis: ``daganalysis summary``, ``daganalysis stage-latency`` and so on.

They differ in nothing but the function they call, so they are one table: the declarations of the results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from daganalysis.commands.exit_status import ExitStatus
from daganalysis.commands.opening import open_source, selected_runs
from daganalysis.commands.options import add_archive, add_output, add_selection, new_command
from daganalysis.commands.printing import print_frame
from daganalysis.tables.results import RESULT_TABLES

if TYPE_CHECKING:
    import argparse

    from daganalysis.commands.options import Subparsers
