"""Long polls are answered at a nudge, and by the gateway's own looks when there is none."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from broker.devstack.engines import Engines
from broker.flow import route
from broker.flow.context import Context
from broker.gateway import long_polls
from broker.gateway.long_polls import Poller
from broker.serving import build
from tests.acceptance.conftest import sample
from tests.conftest import eventually

Key = Callable[..., dict[str, str]]
WAIT = 30
NEVER = 3600.0


@pytest.fixture
def only_nudges(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no look come by itself while a test runs."""
    monkeypatch.setattr(long_polls, "EVERY_SECONDS", NEVER)


@pytest.fixture
def gateway(context: Context) -> Iterator[tuple[TestClient, Poller]]:
    app = build(context)
    with TestClient(app) as client:
        yield client, app.state.gateway.poller


def has_looked_in_vain(poller: Poller) -> bool:
    """Tell whether a request waits that the last look found nothing for, and none is due."""
    waiting = any(poller._lanes.values())
    return waiting and not poller._unseen and not poller._nudged.is_set() and bool(poller._seen)


def collected(client: TestClient, agency: dict[str, str]) -> list[Any]:
    answer = client.post("/v1/collect", json={"wait": WAIT}, headers=agency)
    deliveries: list[Any] = answer.json()["deliveries"]
    return deliveries


@pytest.mark.usefixtures("only_nudges")
def test_an_agency_is_told_at_once(
    gateway: tuple[TestClient, Poller], context: Context, key: Key
) -> None:
    client, poller = gateway
    police, agency = key("staffordshire-police", "publish"), key("staffordshire-csc", "collect")
    client.post("/v1/referrals", json=sample(12), headers=police)
    with ThreadPoolExecutor(1) as callers:
        waiting = callers.submit(collected, client, agency)
        eventually(lambda: has_looked_in_vain(poller))
        assert route.drain(context) == 1
        assert len(waiting.result()) == 1


@pytest.mark.usefixtures("only_nudges")
def test_a_released_delivery_is_offered_to_another_caller_at_once(
    gateway: tuple[TestClient, Poller], context: Context, key: Key
) -> None:
    client, poller = gateway
    police, agency = key("staffordshire-police", "publish"), key("staffordshire-csc", "collect")
    client.post("/v1/referrals", json=sample(12), headers=police)
    eventually(lambda: poller._nudged_at > 0)  # a listener that has connected nudges
    connected_at = poller._nudged_at
    route.drain(context)
    eventually(lambda: poller._nudged_at > connected_at)
    (first,) = collected(client, agency)
    held = {"leases": [{"delivery": first["delivery"], "lease": first["lease"]["id"]}]}
    with ThreadPoolExecutor(1) as callers:
        waiting = callers.submit(collected, client, agency)
        eventually(lambda: has_looked_in_vain(poller))
        assert client.post("/v1/leases/release", json=held, headers=agency).is_success
        (second,) = waiting.result()
    assert second["delivery"] == first["delivery"]


@pytest.mark.usefixtures("only_nudges")
def test_a_publisher_is_told_at_once(
    gateway: tuple[TestClient, Poller],
    context: Context,
    key: Key,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its answer says what the referral is by then, so the wait is asked how it ended."""
    client, poller = gateway
    police, ended_early = key("staffordshire-police", "publish"), list[bool]()

    async def wait(self: Poller, *subject: Any) -> bool:
        ended_early.append(await for_routing(self, *subject))
        return ended_early[-1]

    for_routing = Poller.for_routing
    monkeypatch.setattr(Poller, "for_routing", wait)
    with ThreadPoolExecutor(1) as callers:
        waiting = callers.submit(
            client.post,
            "/v1/referrals",
            json=sample(12),
            headers={**police, "Prefer": f"wait={WAIT}"},
        )
        eventually(lambda: has_looked_in_vain(poller))
        assert route.drain(context) == 1
        assert waiting.result().json()["state"] == "routed"
    assert ended_early == [True]


def test_without_valkey_the_gateway_looks_by_itself(
    gateway: tuple[TestClient, Poller], context: Context, key: Key, engines: Engines
) -> None:
    client, poller = gateway
    police, agency = key("staffordshire-police", "publish"), key("staffordshire-csc", "collect")
    client.post("/v1/referrals", json=sample(12), headers=police)
    engines.wakeup.kill()
    try:
        with ThreadPoolExecutor(1) as callers:
            waiting = callers.submit(collected, client, agency)
            eventually(lambda: has_looked_in_vain(poller))
            assert route.drain(context) == 1
            assert len(waiting.result()) == 1
    finally:
        engines.wakeup.start()
