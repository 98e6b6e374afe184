"""One trace from publish to the answer, whose id is the referral's, without content."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from broker.bootstrap import new_uuid7, open_broker
from broker.flow.context import Context
from broker.settings import BadSettings, Settings
from broker.tracing import ALLOWED
from tests.acceptance.conftest import World, sample, world  # noqa: F401
from tests.collector import Collector, collector_fixture, traced_settings  # noqa: F401
from tests.conftest import FixedClock

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def all_told(context: Context) -> Callable[[], None]:
    """Let everything be sent."""
    assert context.traces is not None
    return context.traces.close


def test_a_referral_is_one_trace_from_publish_to_the_answer(
    client: TestClient,
    collector: Collector,
    all_told: Callable[[], None],
    world: World,  # noqa: F811
) -> None:
    headers = world.police | {"traceparent": f"00-{TRACE}-{SPAN}-01"}
    answer = client.post("/v1/referrals", json=sample(2), headers=headers)
    world.drain()
    status = world.status(answer.json())
    (delivery,) = status["deliveries"]
    world.collect(delivery["agency"])
    world.answer(delivery["agency"], delivery=delivery["id"], stage="acknowledged", by="A. Person")
    all_told()
    found = collector.of(status["id"])
    assert {name: span.kind for name, (span,) in found.items()} == {
        "accept": "SERVER",
        "route": "CONSUMER",
        "collect": "SERVER",
        "answer": "SERVER",
    }
    (first,) = found.pop("accept")
    assert (first.parent, first.id) == ("", status["id"].replace("-", "")[16:])
    assert {span.parent for spans in found.values() for span in spans} == {first.id}
    assert first.links == ((TRACE, SPAN),)
    (theirs,) = [span for span in collector.spans if span.trace == TRACE]
    assert (theirs.parent, theirs.links) == (SPAN, ((first.trace, first.id),))
    assert theirs.kind == "SERVER"
    (answered,) = found["answer"]
    assert answered.attributes == {
        "broker.delivery": delivery["id"],
        "broker.agency": delivery["agency"],
        "broker.state": "acknowledged",
    }
    assert {name for span in collector.spans for name in span.attributes} <= {
        f"broker.{name}" for name in ALLOWED
    }
    sent = b"".join(collector.bodies)
    assert sample(2)["reference"].encode() not in sent


def test_a_pushed_delivery_is_dispatched_in_its_referrals_trace(
    collector: Collector,
    all_told: Callable[[], None],
    context: Context,
    world: World,  # noqa: F811
) -> None:
    status = world.routed(sample(1))
    channels = {
        code: status.channel
        for code, status in context.ledger.monitoring.organisation_status().items()
    }
    pushed = [
        delivery["id"]
        for delivery in status["deliveries"]
        if channels[delivery["agency"]] == "queue"
    ]
    assert pushed
    all_told()
    found = collector.of(status["id"]).get("dispatch", [])
    assert sorted(span.attributes["broker.delivery"] for span in found) == sorted(pushed)
    assert {span.kind for span in found} == {"PRODUCER"}


@pytest.mark.parametrize("parent", ["nonsense", f"00-{TRACE}-{SPAN}-00", None])
def test_without_a_sampled_parent_nothing_is_written_into_anybodys_trace(
    client: TestClient,
    collector: Collector,
    all_told: Callable[[], None],
    world: World,  # noqa: F811
    parent: str | None,
) -> None:
    headers = world.police | ({"traceparent": parent} if parent else {})
    body = b"\n".join([__import__("orjson").dumps(sample(2))]) + b"\n"
    client.post(
        "/v1/referrals/bulk",
        content=body,
        headers={**headers, "Content-Type": "application/x-ndjson"},
    )
    all_told()
    (first,) = [span for span in collector.spans if span.name == "accept"]
    assert first.links == (((TRACE, SPAN),) if parent and "-00" in parent else ())
    assert {span.trace for span in collector.spans} == {first.trace}


def test_what_is_handed_in_twice_begins_one_trace(
    collector: Collector,
    all_told: Callable[[], None],
    world: World,  # noqa: F811
) -> None:
    world.hand_in(sample(2))
    world.hand_in(sample(2))
    all_told()
    assert [span.name for span in collector.spans] == ["accept"]


def test_where_the_extra_is_missing_the_start_says_so(
    settings: Settings, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(_: str) -> Any:
        raise ModuleNotFoundError

    monkeypatch.setattr("broker.tracing.find_spec", missing)
    with (
        pytest.raises(BadSettings, match="telemetry"),
        open_broker(settings, process="tests", clock=clock, new_id=new_uuid7),
    ):
        pass
