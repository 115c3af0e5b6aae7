"""Where the pieces of a table are worked on: by processes of this machine, or by an existing engine's workers."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from threading import Thread
from typing import Any, Literal

from tailor.errors import WorkbenchError
from tailor.machine import cores

EngineName = Literal["here", "dask"]

Map = Callable[[Callable[[int, Any], Any], Sequence[Any]], Iterator[Any]]
"""Calls a function with each item's place and the item; gives the results in the order of the items."""


@contextmanager
def open_engine(name: EngineName, workers: int | None = None) -> Iterator[Map]:
    """An engine, ready for work; its workers go when the block ends.

    Args:
        workers: how many; one a core if not given. A Dask scheduler that DASK_SCHEDULER_ADDRESS names has its own.

    Raises:
        WorkbenchError: the engine is not installed, or its scheduler does not answer. While the work is done, and for
            either engine: the workers were lost again and again.
    """
    workers = workers or cores()
    if name == "here":
        # processes: Polars and Python hold one another up in threads (measured: two are no faster than one)
        context = get_context("spawn")
        with ProcessPoolExecutor(workers, context, _end_with, (os.getpid(),)) as pool:
            for _ in range(workers):
                pool.submit(_wake)  # they load what they need while the table is read
            yield lambda work, items: _in_processes(pool, work, items)
    else:
        with _dask_client(workers) as client:
            yield lambda work, items: _on_workers(client, work, items)


def one_by_one(work: Callable[[int, Any], Any], items: Sequence[Any]) -> Iterator[Any]:
    """No engine: in this process, in order."""
    return (work(place, item) for place, item in enumerate(items))


def _in_processes(pool: Executor, work: Callable[[int, Any], Any], items: Sequence[Any]) -> Iterator[Any]:
    try:
        yield from pool.map(work, range(len(items)), items)
    except BrokenExecutor:
        raise WorkbenchError(
            "a process that cleaned a piece of the table was ended from outside, most likely for lack of memory",
            "memory for every process",
            "set 03_clean_data.workers to 1",
        ) from None


def _wake() -> None:
    import tailor.data.cleaning.plan
    import tailor.data.word_kernels  # noqa: F401


def _end_with(parent: int) -> None:
    """End this worker when the process that started it is gone, even if that was killed."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    Thread(target=watch, daemon=True).start()


def _dask_client(workers: int) -> Any:
    try:
        import dask
        from distributed import Client
    except ImportError:
        raise WorkbenchError(
            "the engine 'dask' is not installed",
            "Dask and its scheduler",
            "pip install 'tailor-workbench[dask]', or set 03_clean_data.engine to here",
        ) from None
    if address := dask.config.get("scheduler-address", None):
        try:
            return Client()
        except OSError as error:
            raise WorkbenchError(
                f"the Dask scheduler at {address} does not answer ({error})",
                "the address of a scheduler that runs, which DASK_SCHEDULER_ADDRESS names",
                "start it (dask scheduler), or unset DASK_SCHEDULER_ADDRESS to work with workers on this machine",
            ) from None
    return Client(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None)


def _on_workers(client: Any, work: Callable[[int, Any], Any], items: Sequence[Any]) -> Iterator[Any]:
    """A piece whose worker is lost is done again by another; one that has taken several workers along is given up."""
    from distributed import KilledWorker
    from distributed.client import FutureCancelledError

    futures = client.map(work, range(len(items)), items, pure=False)
    try:
        for future in futures:
            yield future.result()
            future.release()
    except KilledWorker as lost:
        found = (
            f"{lost.allowed_failures + 1} of Dask's workers were lost one after the other over the same piece"
        )
    except FutureCancelledError:
        found = "the Dask scheduler was lost with the pieces it had given out"
    else:
        return
    raise WorkbenchError(
        found,
        "workers with memory for a piece each, and a scheduler that stays",
        "give the workers more memory, set 03_clean_data.workers lower, or 03_clean_data.engine to here",
    )
