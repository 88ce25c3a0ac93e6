"""Workflow name patterns and failure signatures of users, from a small TOML file.

Patterns are matched by RE2 (through Arrow). Its time grows only with the length of the text, so no pattern can hang the program.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from daganalysis.engine.catalogue import is_engine_name
from daganalysis.errors import UsageError

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Sequence

_LARGEST_FILE = 1 << 20
_HINT = "see docs/catalogue.md for the keys and an example"


class Failure(NamedTuple):
    """What identifies a failed attempt: its error code and its log line. Either may be missing."""

    code: str | None
    line: str | None


@dataclass(frozen=True, slots=True)
class WorkflowPattern:
    r"""DAG names that are runs of one workflow.

    The pattern must match the whole name; ``\1`` in the workflow is replaced by what its first group matched. It applies to names that the
    engine does not use itself, unless it ``overrides`` the engine's rules.
    """

    pattern: str
    workflow: str
    overrides: bool = False


@dataclass(frozen=True, slots=True)
class SignaturePattern:
    """The name of failures whose log line matches a pattern anywhere, and whose error code is ``code``; one of the two may be None.

    It applies to lines that are not the engine's own messages, unless it ``overrides`` them.
    """

    name: str
    pattern: str | None
    code: str | None = None
    overrides: bool = False


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Workflow name patterns and failure signatures of a user, each list in order: the first that matches decides."""

    workflows: tuple[WorkflowPattern, ...] = ()
    signatures: tuple[SignaturePattern, ...] = ()

    def workflows_of(self, names: Iterable[str]) -> dict[str, str]:
        """Return the workflow of every DAG name that a pattern matches. The engine's rules decide about other names."""
        distinct = sorted(set(names))
        found: dict[str, str] = {}
        for rule in self.workflows:
            candidates = [name for name in distinct if name not in found and (rule.overrides or not is_engine_name(name))]
            workflows = zip(candidates, _rewritten(rule, candidates), strict=True)
            found |= {name: workflow for name, workflow in workflows if workflow is not None}
        return found

    def signatures_of(self, failures: Iterable[Failure], *, overriding: bool) -> dict[Failure, str]:
        """Return the signature of every failure that a pattern matches, from the patterns that override the engine's or from the others."""
        distinct = list(dict.fromkeys(failures))
        found: dict[Failure, str] = {}
        for rule in self.signatures:
            if rule.overrides is overriding:
                candidates = [failure for failure in distinct if failure not in found and rule.code in {None, failure.code}]
                matches = _matches(rule, [failure.line for failure in candidates])
                found |= {failure: rule.name for failure, matched in zip(candidates, matches, strict=True) if matched}
        return found


EMPTY_CATALOGUE = Catalogue()


def read_catalogue(file: str | os.PathLike[str]) -> Catalogue:
    """Read a catalogue of workflow name patterns and failure signatures from a TOML file.

    Args:
        file: A file with ``[[workflow]]`` entries (``pattern``, ``name``) and ``[[signature]]`` entries (``name``, and ``pattern`` or
            ``code`` or both). An entry with ``override = true`` comes before the engine's own rules, the others come after them.

    Returns:
        The catalogue, for :meth:`daganalysis.Archive.with_catalogue` or the argument ``catalogue`` of :func:`daganalysis.load` and
        :func:`daganalysis.read_parquet`.

    Raises:
        UsageError: The file cannot be read, is not TOML, or has an unknown key or a pattern that RE2 does not accept.

    Example:
        >>> read_catalogue("examples/catalogue.toml").workflows[0].workflow
        'Nightly check'
    """
    path = Path(file)
    try:
        with path.open("rb") as opened:
            content = opened.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise UsageError("the catalogue cannot be read", where=str(path), hint=error.strerror or "") from error
    if len(content) > _LARGEST_FILE:
        raise UsageError("the catalogue is larger than 1 MiB", where=str(path), hint=_HINT)
    import tomllib  # imported here, as most archives have no catalogue

    try:
        tables = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError("the catalogue is not valid TOML", where=str(path), hint=str(error)) from error
    return _Reader(str(path)).catalogue(tables)


class _Reader:
    """Checks the entries of one file and names the entry in every error."""

    def __init__(self, file: str) -> None:
        self._file = file

    def catalogue(self, tables: dict[str, Any]) -> Catalogue:
        self._check_keys(tables, {"workflow", "signature"}, "")
        workflows = tuple(self._workflow(entry, place) for place, entry in self._entries(tables, "workflow"))
        return Catalogue(workflows, tuple(self._signature(entry, place) for place, entry in self._entries(tables, "signature")))

    def _workflow(self, entry: dict[str, Any], place: str) -> WorkflowPattern:
        self._check_keys(entry, {"pattern", "name", "override"}, place)
        pattern = self._pattern(entry, place)
        rule = WorkflowPattern(pattern, self._text(entry, "name", place), self._override(entry, place))
        self._try(lambda: _rewritten(rule, [""]), place)
        return rule

    def _signature(self, entry: dict[str, Any], place: str) -> SignaturePattern:
        self._check_keys(entry, {"name", "pattern", "code", "override"}, place)
        pattern = self._pattern(entry, place) if "pattern" in entry else None
        code = self._text(entry, "code", place) if "code" in entry else None
        if pattern is None and code is None:
            raise self._error("neither `pattern` nor `code`", place)
        return SignaturePattern(self._text(entry, "name", place), pattern, code, self._override(entry, place))

    def _entries(self, tables: dict[str, Any], kind: str) -> list[tuple[str, dict[str, Any]]]:
        entries = tables.get(kind, [])
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise self._error(f"`{kind}` is not a list of tables: write [[{kind}]]", "")
        return [(f"{kind} {number}", entry) for number, entry in enumerate(entries, 1)]

    def _check_keys(self, entry: dict[str, Any], known: set[str], place: str) -> None:
        for key in entry:
            if key not in known:
                raise self._error(f"unknown key `{key}`", place, "known are " + ", ".join(sorted(known)))

    def _pattern(self, entry: dict[str, Any], place: str) -> str:
        pattern = self._text(entry, "pattern", place)
        self._try(lambda: _found_in(pattern, [""]), place)
        return pattern

    def _text(self, entry: dict[str, Any], key: str, place: str) -> str:
        value = entry.get(key)
        if not isinstance(value, str) or not value.strip():
            raise self._error(f"`{key}` must be a text that is not empty", place)
        return value

    def _override(self, entry: dict[str, Any], place: str) -> bool:
        value = entry.get("override", False)
        if not isinstance(value, bool):
            raise self._error("`override` must be true or false", place)
        return value

    def _try(self, use: Callable[[], object], place: str) -> None:
        import pyarrow as pa

        try:
            use()
        except pa.ArrowInvalid as error:
            raise self._error(f"`pattern` cannot be used: {error}", place) from error

    def _error(self, what: str, place: str, hint: str = _HINT) -> UsageError:
        return UsageError(f"the catalogue is wrong: {what}", where=f"{self._file}, {place}" if place else self._file, hint=hint)


def _rewritten(rule: WorkflowPattern, names: Sequence[str]) -> list[str | None]:
    """Return the workflow of each name; None if the rule's pattern does not match the whole name."""
    import pyarrow as pa
    import pyarrow.compute as pc

    whole = rf"\A(?s:{rule.pattern})\z"
    given = pa.array(names, pa.string())
    rewritten = pc.replace_substring_regex(given, whole, rule.workflow, max_replacements=1)
    matched: list[str | None] = pc.if_else(pc.match_substring_regex(given, whole), rewritten, None).to_pylist()
    return matched


def _matches(rule: SignaturePattern, lines: Sequence[str | None]) -> list[bool]:
    """Return whether the rule's pattern matches in each line. A rule with only a code matches every line."""
    if rule.pattern is None:
        return [True] * len(lines)
    return _found_in(rule.pattern, lines)


def _found_in(pattern: str, lines: Sequence[str | None]) -> list[bool]:
    import pyarrow as pa
    import pyarrow.compute as pc

    found: list[bool | None] = pc.match_substring_regex(pa.array(lines, pa.string()), pattern).to_pylist()
    return [bool(one) for one in found]
