"""Workers on other machines: the same function over many pieces of work, by Dask. Only this module uses Dask.

Pieces depend only on their arguments and on files that every worker sees, and write whole files or none. So a piece may be repeated after a
worker was lost, or run twice at once, with the same bytes.
"""

from __future__ import annotations

import itertools
import secrets
from collections import deque
from typing import TYPE_CHECKING, Any, Self, TypeVar

from daganalysis.errors import DagAnalysisError, MissingExtraError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

Work = TypeVar("Work")
Result = TypeVar("Result")

_CONNECT_S = 10
_A_THREAD = 4
"""Pieces handed out for each thread there is: enough that none waits, few enough that their results fit into memory."""


class DaskWorkers:
    """The workers of a Dask cluster, by a client or the address of its scheduler (``tcp://host:8786``).

    A given client is left open, one made here is closed. Raises :class:`MissingExtraError` without the extra ``dask``, and
    :class:`UsageError` if no scheduler answers or it has no workers.
    """

    def __init__(self, cluster: Any) -> None:
        try:
            import distributed
        except ImportError:
            raise MissingExtraError("work on a Dask cluster", "dask") from None
        # Dask takes pieces of one name for one piece, whichever client they come from.
        self._token, self._numbers = secrets.token_hex(8), itertools.count()
        self._own = isinstance(cluster, str)
        self._client = _connected(distributed, cluster) if self._own else cluster
        if not self._client.nthreads():
            self.__exit__(None, None, None)
            raise UsageError(
                "the Dask scheduler has no workers", where=self._client.scheduler.address, hint="start some: `dask worker ADDRESS`"
            )

    @property
    def jobs(self) -> int:
        """How many pieces may be worked on at once."""
        return max(1, sum(map(int, self._client.nthreads().values())))

    def over(self, function: Callable[[Work], Result], pieces: Sequence[Work]) -> Iterator[Result]:
        """Yield the function's result for each piece, in order. Raises what the function raised."""
        waiting: deque[Any] = deque()
        # No more is handed out than keeps everybody busy: results wait in memory.
        at_most = _A_THREAD * self.jobs
        try:
            for piece in pieces:
                key = f"daganalysis-{function.__name__}-{self._token}-{next(self._numbers)}"
                waiting.append(self._client.submit(_done, function, piece, key=key, pure=False))
                if len(waiting) > at_most:
                    yield self._result(waiting.popleft())
            while waiting:
                yield self._result(waiting.popleft())
        finally:
            self._client.cancel(list(waiting))

    def _result(self, future: Any) -> Any:
        from distributed.scheduler import KilledWorker

        try:
            return future.result()
        except KilledWorker as error:
            raise DagAnalysisError(
                f"one piece of work ended several workers ({error})",
                hint="most likely memory ran out there: give workers more, or fewer threads",
            ) from None

    def must_see(self, paths: Iterable[Path]) -> None:
        """Raise :class:`UsageError` unless every worker has this version of the package and sees these files and folders."""
        wanted = [str(path) for path in paths]
        try:
            found = self._client.run(_seen, wanted)
        except Exception as error:  # noqa: BLE001 - a worker without the package fails in several ways
            raise UsageError(
                "the Dask workers cannot run daganalysis", hint=f"install the same version there ({type(error).__name__})"
            ) from None
        for worker, (version, missing) in sorted(found.items()):
            if version != _version():
                raise UsageError(f"a Dask worker has daganalysis {version}, not {_version()}", where=worker, hint="install the same there")
            if missing:
                raise UsageError(f"the Dask worker {worker} does not see", where=missing[0], hint="use a shared folder, or a URL as s3://…")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._own:
            self._client.close()


def _connected(distributed: Any, address: str) -> Any:
    try:
        return distributed.Client(address, timeout=_CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise UsageError("no Dask scheduler answers", where=address, hint=str(error).partition("\n")[0]) from None


def _done(function: Callable[[Work], Result], piece: Work) -> Result:
    return function(piece)


def _seen(paths: Sequence[str]) -> tuple[str, list[str]]:
    import os

    return _version(), [path for path in paths if not os.path.exists(path)]  # noqa: PTH110 - names need not be text


def _version() -> str:
    from importlib.metadata import version

    return version("daganalysis")
