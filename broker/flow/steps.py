"""Part of every step: one wrapper that measures a step, logs it in one line and traces it.

    with step(context, "collect", _log) as this:
        offers = context.ledger.deliveries.collect(…, now=this.begun_at)
        this.trace(offers, span_part)
        if offers:
            this.log(agency=agency, count=len(offers))

The line and the span are written when the block ends. A step that raises writes neither: the code
that handles the error logs it. Neither can fail a step that was done.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import TypeVar

from broker.flow.context import Context
from broker.telemetry import (
    Logger,
    elapsed,
    error_fields,
    info_enabled,
    monotonic_seconds,
    single_id,
)
from broker.tracing import SpanPart, TracedStep

T = TypeVar("T")


class StepRecord:
    """What one run of a step did. Use it as a context manager, once."""

    __slots__ = ("_context", "_fields", "_log", "_name", "_parts", "_started", "begun_at")

    def __init__(self, context: Context, name: str, log: Logger) -> None:
        self._context = context
        self._name = name
        self._log = log
        self._fields: dict[str, object] | None = None
        self._parts: Callable[[], list[SpanPart]] | None = None
        self._started = monotonic_seconds()
        self.begun_at: datetime = context.clock()
        """When the step began, by the broker's clock."""

    def log(self, **fields: object) -> None:
        """Write these fields to the step's line, with its duration; without a call there is none.

        A name that ``broker.telemetry`` does not allow is dropped from the line.
        """
        self._fields = {**(self._fields or {}), **fields}

    def log_single(self, name: str, items: Sequence[T], id_of: Callable[[T], object]) -> None:
        """Write the id of a batch of one to the line; the count stands for a larger batch."""
        self.log(**single_id(name, items, id_of))

    def trace(self, items: Sequence[T], part_of: Callable[[T], SpanPart | None]) -> None:
        """Add a span to the trace of each item's referral; None adds none.

        ``part_of`` is called at the end of the step, and only where traces are collected.
        """
        self._parts = lambda: [part for item in items if (part := part_of(item))]

    def __enter__(self) -> StepRecord:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        if kind is not None:
            return
        try:
            self._report()
        except Exception as error:  # the step is done, and its answer may not become a failure
            self._log.error("step not reported", **error_fields(error))

    def _report(self) -> None:
        if self._context.traces and self._parts:
            self._write_span(self._parts())
        if self._fields is not None and info_enabled(self._log):
            of_test = {"test": True} if self._context.test_organisation else {}
            seconds = elapsed(self._started)
            self._log.info(self._name, **self._fields, **of_test, seconds=seconds)

    def _write_span(self, parts: list[SpanPart]) -> None:
        """Hand the span over; it begins with the earliest of its parts."""
        context = self._context
        begun_at = min([self.begun_at, *(part.begun_at for part in parts if part.begun_at)])
        if context.traces:
            context.traces.record(TracedStep(self._name, begun_at, context.clock(), parts))


def step(context: Context, name: str, log: Logger) -> StepRecord:
    """Return the wrapper of one run of a step; ``name`` is its log event and its span's name."""
    return StepRecord(context, name, log)
