"""A collector of traces: OTLP over HTTP on loopback, which decodes what it is sent."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from broker.settings import Settings


@dataclass(frozen=True, slots=True)
class Span:
    """What the collector was told of one span; ids in hex."""

    service: str
    name: str
    trace: str
    id: str
    parent: str
    links: tuple[tuple[str, str], ...]
    attributes: dict[str, str]
    nanoseconds: int
    kind: str
    """As OTLP names it, without its prefix."""


@dataclass
class Collector:
    """Whatever came, in the order in which it came."""

    url: str
    spans: list[Span] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)
    """Until it is set, a collector that hangs does."""

    def of(self, referral: str) -> dict[str, list[Span]]:
        """Return the spans of a referral's trace by their names."""
        found: dict[str, list[Span]] = {}
        for span in list(self.spans):
            if span.trace == UUID(referral).hex:
                found.setdefault(span.name, []).append(span)
        return found

    def take(self, body: bytes) -> None:
        """Decode and keep what was sent."""
        self.bodies.append(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            about = {
                attribute.key: attribute.value.string_value
                for attribute in resource.resource.attributes
            }
            for scope in resource.scope_spans:
                self.spans += [_span(about["service.name"], span) for span in scope.spans]


def _span(service: str, sent) -> Span:
    values = {e.key: e.value.string_value or str(e.value.int_value) for e in sent.attributes}
    return Span(
        service,
        sent.name,
        sent.trace_id.hex(),
        sent.span_id.hex(),
        sent.parent_span_id.hex(),
        tuple((link.trace_id.hex(), link.span_id.hex()) for link in sent.links),
        values,
        sent.end_time_unix_nano - sent.start_time_unix_nano,
        sent.SpanKind.Name(sent.kind).removeprefix("SPAN_KIND_"),
    )


@contextmanager
def collecting(*, hangs: bool = False) -> Iterator[Collector]:
    """Collect traces until the block is left; one that hangs takes them and never answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            collector.take(self.rfile.read(int(self.headers["Content-Length"])))
            if hangs:
                collector.go_on.wait()
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        collector = Collector(f"http://127.0.0.1:{server.server_port}/v1/traces")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield collector
        finally:
            collector.go_on.set()
            server.shutdown()
            thread.join(5)


@pytest.fixture(name="collector")
def collector_fixture() -> Iterator[Collector]:
    """Collect the traces of one test."""
    with collecting() as found:
        yield found


@pytest.fixture(name="settings")
def traced_settings(settings: Settings, collector: Collector) -> Settings:
    """Settings under which traces are sent."""
    return replace(settings, traces_url=collector.url)
