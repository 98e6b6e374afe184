"""Queries for one page that run at the same time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from typing import Any


def run_all(pool: Executor, queries: Mapping[str, Callable[[], Any]]) -> dict[str, Any]:
    """Return what each query returns, by its name.

    The first that fails ends the others: they are not needed, and would wait for the ledger too.
    """
    futures: dict[str, Future[Any]] = {name: pool.submit(run) for name, run in queries.items()}
    try:
        return {name: future.result() for name, future in futures.items()}
    finally:
        for future in futures.values():
            future.cancel()
