"""Errors raised to callers.

DagAnalysisError
├── UsageError            the call itself is wrong: an unknown table, a bad option, a run that is not there
│   └── RunNotFoundError
├── InputError            nothing usable came in
│   └── RejectedRecordsError   records were rejected and the caller asked for none to be (``strict``)
├── StoreError            a store that is damaged, of another schema version, or in use
│   ├── StoreBusyError
│   └── SchemaVersionError
└── MissingExtraError     an optional dependency is needed

Every message says what happened, where, and what to do; the facts are attributes as well. Records that cannot be used
are no errors: they become rows of the ``issues`` table. No message tells the password or the signature of a URL.
"""

from __future__ import annotations

from daganalysis.urls import without_secrets


class DagAnalysisError(Exception):
    """The base of all errors of this package.

    ``what`` happened, ``where`` (a file, a table, a run; may be empty) and ``hint``, what to do about it (may be empty).

    >>> str(DagAnalysisError("no Parquet file in the store", where="store/", hint="run `daganalysis load` first"))
    'no Parquet file in the store: store/ (run `daganalysis load` first)'
    """

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(without_secrets(what))
        self.what = without_secrets(what)
        self.where = without_secrets(where)
        self.hint = without_secrets(hint)

    def __str__(self) -> str:
        text = f"{self.what}: {self.where}" if self.where else self.what
        return f"{text} ({self.hint})" if self.hint else text

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions with keyword-only arguments do not pickle by themselves, and worker processes send them back.
        return (_rebuild, (type(self), self.what, self.__dict__))


def _rebuild(kind: type[DagAnalysisError], what: str, facts: dict[str, object]) -> DagAnalysisError:
    error = kind.__new__(kind)
    Exception.__init__(error, what)
    error.__dict__.update(facts)
    return error


class UsageError(DagAnalysisError):
    """The call is wrong, whatever the data: an unknown name, an option out of range."""


class RunNotFoundError(UsageError):
    """No run of that id is in the archive; ``candidates`` are the nearest ids there are."""

    def __init__(self, run_id: str, candidates: list[str]) -> None:
        hint = "perhaps " + ", ".join(candidates) if candidates else "`daganalysis runs ARCHIVE` lists the ids"
        super().__init__("no such run in the archive", where=run_id, hint=hint)
        self.run_id = run_id
        self.candidates = candidates


class InputError(DagAnalysisError):
    """Nothing usable came in: a source that does not exist, or holds no task response."""


class RejectedRecordsError(InputError):
    """Records were rejected and the caller had asked for none to be; ``n_rejected`` says how many, ``reasons`` why."""

    def __init__(self, n_rejected: int, reasons: str = "", *, where: str = "") -> None:
        what = "1 record was rejected" if n_rejected == 1 else f"{n_rejected:,} records were rejected"
        super().__init__(f"{what}: {reasons}" if reasons else what, where=where, hint="see `daganalysis validate` for each of them")
        self.n_rejected = n_rejected
        self.reasons = reasons


class StoreError(DagAnalysisError):
    """A store that cannot be used as it is."""


class StoreBusyError(StoreError):
    """Another process is writing the store."""


class SchemaVersionError(StoreError):
    """The store was written with another version of the tables; ``found`` and ``supported`` say which."""

    def __init__(self, found: str, supported: str, *, where: str) -> None:
        super().__init__(
            f"the store has schema version {found}, but this version of daganalysis reads version {supported}",
            where=where,
            hint="load the saved answers into a new store with `daganalysis load ANSWERS --out STORE`, or use the version that wrote it",
        )
        self.found = found
        self.supported = supported


class MissingExtraError(DagAnalysisError):
    """An optional dependency is needed; ``extra`` is its name in ``pip install 'daganalysis[extra]'``."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(f"{feature} needs an optional package", hint=f"pip install 'daganalysis[{extra}]'")
        self.feature = feature
        self.extra = extra
