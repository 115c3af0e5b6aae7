"""Where the pieces of a table are worked on: in this process, or by the workers of an existing engine."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
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
        WorkbenchError: the engine is not installed.
    """
    if name == "here":
        yield lambda work, items: _in_threads(work, items, workers or cores())
        return
    with _dask_client(workers or cores()) as client:
        yield lambda work, items: _on_workers(client, work, items)


def _in_threads(work: Callable[[int, Any], Any], items: Sequence[Any], threads: int) -> Iterator[Any]:
    """Threads are enough here: Polars and the compiled loops run beside each other, and nothing is copied."""
    if len(items) < 2 or threads < 2:
        for place, item in enumerate(items):
            yield work(place, item)
        return
    with ThreadPoolExecutor(threads) as pool:
        waiting: deque = deque()
        for place, item in enumerate(items):
            waiting.append(pool.submit(work, place, item))
            if len(waiting) > threads:  # not all at once: what is not worked on yet need not be in memory
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


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
    if dask.config.get("scheduler-address", None):
        return Client()
    return Client(n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None)


def _on_workers(client: Any, work: Callable[[int, Any], Any], items: Sequence[Any]) -> Iterator[Any]:
    futures = client.map(work, range(len(items)), items, pure=False)
    for future in futures:
        yield future.result()
        future.release()
