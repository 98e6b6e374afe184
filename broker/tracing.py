"""Traces: what became of each referral, step by step, for a collector that speaks OTLP over HTTP.

A referral's trace has the referral's own id, and the id of its first span is the last eight bytes
of that id. So every process can compute the trace and the parent of each referral, and nothing
about traces is stored. A publisher who sends a ``traceparent`` (W3C Trace Context) gets a span in
its own trace, and the two traces are linked.

Traces are off by default; then nothing here runs and OpenTelemetry is not imported. When they are
on, a step costs its caller one append to a bounded list; a thread does the rest. A collector that
is unavailable, slow or faulty costs traces and nothing else.
"""

from __future__ import annotations

import logging
import re
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from typing import TYPE_CHECKING
from uuid import UUID

from broker import __version__
from broker.conversations import within
from broker.telemetry import error_fields, logger

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import SpanContext

ACCEPT = "accept"
"""The step whose span is the first of a referral's trace."""
KINDS: Mapping[str, str] = {
    **dict.fromkeys((ACCEPT, "collect", "answer"), "SERVER"),
    "route": "CONSUMER",
    "dispatch": "PRODUCER",
}
"""The kind of each step's span (OpenTelemetry): answered for a caller, begun by a message, or sent
on by one. What is not here happens inside the broker. A map of services is drawn by them."""
ALLOWED = frozenset({"delivery", "agency", "publisher", "channel", "state", "version", "count"})
"""The attributes that a span may have: ids, codes and counts. Add a name only if its values can
never be content, a name or somebody's reference."""
WAITING = 10_000
"""The most parts of steps that wait to be sent; the oldest are dropped."""
BATCH = 500
EVERY_SECONDS = 1.0
TIMEOUT_SECONDS = 3.0
"""How long a collector may take to connect, and for each wait for its answer."""
TOTAL_SECONDS = 5.0
"""For one request with its repetitions, however slowly the answer comes."""
CLOSING_SECONDS = 2.0
WARN_EVERY_SECONDS = 60.0
_PARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_LOW = (1 << 64) - 1
_SAMPLED = 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_log = logger("traces")


@dataclass(frozen=True, slots=True)
class Parent:
    """A publisher's own span, as a ``traceparent`` names it."""

    trace: int
    span: int
    flags: int


@dataclass(frozen=True, slots=True)
class SpanPart:
    """One referral's part in a step: the span in its trace."""

    referral: UUID
    attributes: Mapping[str, str | int] = field(default_factory=dict)
    begun_at: datetime | None = None
    """When this part began, if before the step."""
    parent: Parent | None = None
    """The span of the publisher who sent it."""


@dataclass(frozen=True, slots=True)
class TracedStep:
    """A step of the flow that was completed for some referrals together."""

    name: str
    begun_at: datetime
    ended_at: datetime
    parts: Sequence[SpanPart]


def parent_of(traceparent: str | None) -> Parent | None:
    """Parse a ``traceparent`` header (W3C Trace Context, 3.2); None when it is not valid."""
    match = _PARENT.fullmatch(traceparent or "")
    if match is None:
        return None
    version, trace, span, flags, more = match.groups()
    if version == "ff" or (version == "00" and more) or not int(trace, 16) or not int(span, 16):
        return None
    return Parent(int(trace, 16), int(span, 16), int(flags, 16))


def is_installed() -> bool:
    """Tell whether the extra ``telemetry`` is installed, without importing it."""
    try:
        return find_spec("opentelemetry.exporter.otlp.proto.http") is not None
    except ModuleNotFoundError:
        return False


class Traces:
    """Sends steps to a collector from a thread of its own. Open it after a fork."""

    def __init__(
        self,
        url: str,
        *,
        process: str,
        percent: int = 100,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._url = url
        self._process = process
        self._percent = percent
        self._monotonic = monotonic
        self._changed = threading.Condition()
        self._waiting: deque[TracedStep] = deque()
        self._parts = 0
        self._lost = 0
        self._warned_at = float("-inf")
        self._closing = False
        self._thread: threading.Thread | None = None

    def record(self, step: TracedStep) -> None:
        """Queue a step for its referrals' traces; return at once and never raise."""
        sampled = [part for part in step.parts if self._is_sampled(part.referral)]
        with self._changed:
            if not sampled or self._closing:
                return
            self._waiting.append(replace(step, parts=sampled))
            self._parts += len(sampled)
            while self._parts > WAITING:
                self._lost += self._remove(self._waiting.popleft())
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="traces", daemon=True)
                with suppress(RuntimeError):  # no thread to be had: the next step tries again
                    thread.start()
                    self._thread = thread
            if self._parts >= BATCH:
                self._changed.notify_all()

    def close(self) -> None:
        """Send what waits, then stop; takes two seconds at most."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(CLOSING_SECONDS)

    def _is_sampled(self, referral: UUID) -> bool:
        """Sample by the referral's id, so that all processes trace the same referrals."""
        return (referral.int & 0xFFFFFFFF) * 100 < self._percent << 32

    def _remove(self, step: TracedStep) -> int:
        self._parts -= len(step.parts)
        return len(step.parts)

    def _run(self) -> None:
        """Send what waits until closed; then send the rest as long as the collector takes it."""
        try:
            exporter, spans_of = _exporter(self._url), Spans(self._process)
        except Exception as error:
            _log.error("no traces", **error_fields(error))
            return
        while steps := self._next():
            spans = [span for step in steps for span in spans_of(step)]
            sent = _sent(exporter, spans)
            self._warn_of_losses(0 if sent else len(spans))
            if self._closing and not sent:
                break
        exporter.shutdown()

    def _next(self) -> list[TracedStep]:
        """Wait for steps and return some; an empty list means that it is time to stop."""
        with self._changed:
            while not self._closing and self._parts < BATCH:
                self._changed.wait(EVERY_SECONDS)
                if self._waiting:
                    break
            steps: list[TracedStep] = []
            taken = 0
            while self._waiting and taken < BATCH:
                steps.append(self._waiting.popleft())
                taken += self._remove(steps[-1])
            return steps

    def _warn_of_losses(self, spans: int) -> None:
        """Warn, once a minute at most, that the collector does not take what is sent."""
        with self._changed:
            self._lost += spans
            if not self._lost or self._monotonic() - self._warned_at < WARN_EVERY_SECONDS:
                return
            lost, self._lost = self._lost, 0
        self._warned_at = self._monotonic()
        _log.warning("traces lost", count=lost)


class Spans:
    """Turns steps into plain spans, without OpenTelemetry's sampler and processors."""

    def __init__(self, process: str) -> None:
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415

        attributes = {"service.name": f"broker-{process}", "service.version": __version__}
        self._resource = Resource(attributes)
        self._scope = InstrumentationScope("broker", __version__)

    def __call__(self, step: TracedStep) -> Iterator[ReadableSpan]:
        """Yield a span in each referral's trace, and one of the batch where there are several."""
        batch = None
        if len(step.parts) > 1:
            batch = _context(secrets.randbits(128) or 1, _new_span())
            yield self._span(f"{step.name} batch", batch, step)
        for part in step.parts:
            yield from self._of(step, part, batch)

    def _of(
        self, step: TracedStep, part: SpanPart, batch: SpanContext | None
    ) -> Iterator[ReadableSpan]:
        trace = part.referral.int
        first = _context(trace, (trace & _LOW) or 1)
        is_first = step.name == ACCEPT
        span = first if is_first else _context(trace, _new_span())
        links = [batch] if batch else []
        if part.parent:
            theirs = _context(part.parent.trace, part.parent.span, part.parent.flags)
            if part.parent.flags & _SAMPLED:
                copy = _context(part.parent.trace, _new_span())
                yield self._span(step.name, copy, step, part, theirs, [span])
            links.append(theirs)
        parent = None if is_first else first
        yield self._span(step.name, span, step, part, parent, links)

    def _span(
        self,
        name: str,
        context: SpanContext,
        step: TracedStep,
        part: SpanPart | None = None,
        parent: SpanContext | None = None,
        links: Sequence[SpanContext] = (),
    ) -> ReadableSpan:
        """Return the span of one part of a step; without a part, that of the batch."""
        from opentelemetry.sdk.trace import ReadableSpan  # noqa: PLC0415
        from opentelemetry.trace import Link, SpanKind  # noqa: PLC0415

        attributes = part.attributes if part else {"count": len(step.parts)}
        began_at = (part and part.begun_at) or step.begun_at
        allowed = {f"broker.{key}": value for key, value in attributes.items() if key in ALLOWED}
        return ReadableSpan(
            name,
            context,
            parent,
            self._resource,
            allowed,
            kind=SpanKind[KINDS.get(name, "INTERNAL")],
            links=[Link(link) for link in links],
            start_time=_nanoseconds(began_at),
            end_time=_nanoseconds(max(began_at, step.ended_at)),
            instrumentation_scope=self._scope,
        )


def _exporter(url: str) -> SpanExporter:
    """Return an exporter that reports failures to its caller only."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
        OTLPSpanExporter,
    )

    from broker.bound_session import session  # noqa: PLC0415

    # Its log lines would hold the address and texts of the collector.
    logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)
    return OTLPSpanExporter(url, timeout=TIMEOUT_SECONDS, session=session())


def _sent(exporter: SpanExporter, spans: Sequence[ReadableSpan]) -> bool:
    try:
        with within(TOTAL_SECONDS):
            return exporter.export(spans).name == "SUCCESS"
    except Exception as error:
        _log.warning("traces not sent", **error_fields(error))
        return False


def _context(trace: int, span: int, flags: int = _SAMPLED) -> SpanContext:
    from opentelemetry.trace import SpanContext, TraceFlags  # noqa: PLC0415

    return SpanContext(trace, span, is_remote=False, trace_flags=TraceFlags(flags & _SAMPLED))


def _new_span() -> int:
    return secrets.randbits(64) or 1


def _nanoseconds(at: datetime) -> int:
    """Return nanoseconds since 1970, exact to the microsecond."""
    whole = (at - _EPOCH) // timedelta(microseconds=1)
    return whole * 1000
