"""What a trace is made of, and that without a collector nothing of it is there."""

import subprocess
import sys
from datetime import UTC, datetime
from uuid import UUID

import pytest

from broker.bootstrap import new_uuid7
from broker.tracing import BATCH, WAITING, Parent, SpanPart, TracedStep, Traces, parent_of
from tests.collector import Collector, collecting
from tests.conftest import ends, eventually

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
AT = datetime(2027, 4, 7, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        (f"00-{TRACE}-{SPAN}-01", 1),
        (f"00-{TRACE}-{SPAN}-00", 0),
        (f"01-{TRACE}-{SPAN}-01-what-comes-later", 1),
    ],
)
def test_a_traceparent_is_read(text: str, flags: int) -> None:
    assert parent_of(text) == Parent(int(TRACE, 16), int(SPAN, 16), flags)


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", "00", f"00-{TRACE}-{SPAN}", f"00-{TRACE}-{SPAN}-1", f"ff-{TRACE}-{SPAN}-01"),
        *(f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE}-{SPAN}-01-more"),
        *(f"00-{TRACE.upper()}-{SPAN}-01", f" 00-{TRACE}-{SPAN}-01", "Zebrahollow" * 1000),
    ],
)
def test_what_is_none_is_taken_for_none(text: str | None) -> None:
    assert parent_of(text) is None


def step(*referrals: UUID, name: str = "route") -> TracedStep:
    return TracedStep(
        name,
        AT,
        AT,
        [SpanPart(referral, {"version": 1, "name": "Isolde"}) for referral in referrals],
    )


def sent(collector: Collector, *steps: TracedStep, percent: int = 100) -> None:
    traces = Traces(collector.url, process="tests", percent=percent)
    for step in steps:
        traces.record(step)
    traces.close()


def test_an_attribute_that_is_not_allowed_is_dropped() -> None:
    with collecting() as collector:
        sent(collector, step(new_uuid7()))
    (span,) = collector.spans
    assert span.attributes == {"broker.version": "1"}
    assert b"Isolde" not in collector.bodies[0]


def test_what_was_done_together_is_linked() -> None:
    ids = [new_uuid7() for _ in range(3)]
    with collecting() as collector:
        sent(collector, step(*ids))
    (batch,) = [span for span in collector.spans if span.name == "route batch"]
    assert batch.attributes == {"broker.count": "3"}
    assert batch.trace not in {id_.hex for id_ in ids}
    for id_ in ids:
        (span,) = collector.of(str(id_))["route"]
        assert (span.parent, span.links) == (id_.hex[16:], ((batch.trace, batch.id),))


def test_some_in_a_hundred_are_the_same_for_every_process() -> None:
    ids = [new_uuid7() for _ in range(1000)]
    with collecting() as collector:
        sent(collector, *(step(id_, name="accept") for id_ in ids), percent=20)
        accepted = {span.trace for span in collector.spans}
        collector.spans.clear()
        sent(collector, step(*ids), percent=20)
        routed = {span.trace for span in collector.spans if span.name == "route"}
    assert accepted == routed
    assert 120 < len(routed) < 290


def test_a_collector_that_hangs_costs_nobody_anything(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with collecting(hangs=True) as collector:
        traces = Traces(collector.url, process="tests")
        traces.record(step(new_uuid7()))
        eventually(lambda: collector.spans)

        def tell_too_much() -> None:
            for _ in range(2 * WAITING // BATCH):
                traces.record(step(*(new_uuid7() for _ in range(BATCH))))
            traces.close()

        # The collector answers nobody before the block is left.
        assert ends(tell_too_much)
    assert traces._parts <= WAITING
    assert "opentelemetry" not in capsys.readouterr().err.lower()


def test_a_collector_that_is_away_costs_nobody_anything() -> None:
    traces = Traces("http://127.0.0.1:9/v1/traces", process="tests")
    for _ in range(100):
        traces.record(step(new_uuid7()))
    assert ends(traces.close)
    traces.record(step(new_uuid7()))


def test_without_a_collector_nothing_of_it_is_imported_here() -> None:
    # redis-py imports the metrics of what is installed, for itself.
    program = (
        "import sys, broker.serving, broker.bootstrap, broker.flow.route;"
        "sys.exit(bool({'opentelemetry.exporter', 'opentelemetry.sdk.trace'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0
