"""``daganalysis redact``: the same archive, safe to hand to a vendor."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from daganalysis.commands.exit_status import ExitStatus
from daganalysis.commands.options import new_command
from daganalysis.commands.printing import notice
from daganalysis.text.humanize import plural

if TYPE_CHECKING:
    import argparse

    from daganalysis.commands.options import Subparsers

_DESCRIPTION = """\
Copy saved responses, logs and databases, or a store, without addresses, names
and secrets. Pseudonyms replace addresses (also inside ids), host names, paths,
users, secrets, and every other word that is not known to be harmless. Numbers,
times, the words of the engine and of its systems, plain English and Chinese
stay. Pseudonyms are the same everywhere, and structure and times stay, so every
analysis gives the same numbers.

Use --keep-words for your own words, such as the names of your workflows. With
--lenient, every word stays that no detector finds, even a secret that nothing
announces. A copy of a database becomes a new one with only the tables and
columns that load reads. What load skips, such as pictures and hidden files, is
not copied. Other files that are not text are left out; the exit status is then
3. Review the copy before you share it.
"""


def add_to(commands: Subparsers) -> None:
    """Add the command."""
    parser = new_command(
        commands,
        "redact",
        summary="copy an archive without addresses, names and secrets",
        description=_DESCRIPTION,
        example="  daganalysis redact responses/ -o for-the-vendor/\n  daganalysis redact store/ -o for-the-vendor/",
        execute=execute,
    )
    parser.add_argument(
        "source", metavar="SOURCE", help="saved responses, logs and databases (a file or a folder), or a store; a path or a URL"
    )
    parser.add_argument("--keep-cluster-names", action="store_true", help="keep the names of folders, which are the labels of clusters")
    words = parser.add_mutually_exclusive_group()
    words.add_argument("--keep-words", metavar="FILE", help="a text file of words to keep as well, between blanks or on lines")
    words.add_argument("--lenient", action="store_true", help="keep every word that no detector finds")
    parser.add_argument("--allow-left-out", action="store_true", help="exit with 0 even if a file was left out")
    parser.add_argument("-o", "--output", metavar="DEST", required=True, help="the copy: a new file or folder; a path or a URL")


def execute(arguments: argparse.Namespace) -> int:
    """Redact, and say on stderr what was replaced and what was left out."""
    from daganalysis.redaction import redact

    done = redact(
        arguments.source,
        arguments.output,
        keep_cluster_names=arguments.keep_cluster_names,
        keep_words=_words_of(arguments.keep_words),
        lenient=arguments.lenient,
    )
    words = plural(done.n_words, "name, secret or unknown word", "names, secrets and unknown words")
    replaced = f"{plural(done.n_addresses, 'address', 'addresses')} and {words} replaced"
    notice(f"{plural(done.n_files, 'file')} in {arguments.output}, {replaced}")
    if done.skipped:
        from daganalysis.text.issue_groups import skipped_files_text

        notice(skipped_files_text([what for _, what in done.skipped]))
    for name, reason in done.left_out:
        notice(f"left out {name}: {reason}")
    if done.left_out and not arguments.allow_left_out:
        return ExitStatus.UNUSABLE
    return ExitStatus.DONE


def _words_of(file: str | None) -> list[str]:
    from daganalysis.errors import InputError

    if file is None:
        return []
    try:
        return Path(file).read_text(encoding="utf-8").split()
    except (OSError, ValueError) as error:
        raise InputError(f"the words to keep cannot be read ({error})", where=file, hint="give a text file in UTF-8") from error
