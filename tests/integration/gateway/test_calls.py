"""What the calls do beyond the acceptance cases: waiting, bulk, feeds, leases, health."""

import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from starlette.testclient import TestClient

from broker.flow import route
from broker.flow.context import Context
from broker.gateway.bulk_turns import BulkTurns
from tests.acceptance.conftest import sample
from tests.conftest import FixedClock

Key = Callable[..., dict[str, str]]
Drain = Callable[[], None]


def test_waiting_for_routing_gives_the_whole_status(
    client: TestClient, context: Context, key: Key
) -> None:
    headers = key("staffordshire-police", "publish") | {"Prefer": "wait=10"}
    timer = threading.Timer(0.3, route.drain, [context])
    timer.start()
    answer = client.post("/v1/referrals", json=sample(12), headers=headers)
    timer.join()
    assert answer.status_code == 201
    assert answer.headers["preference-applied"] == "wait=10"
    assert answer.headers["location"].endswith(answer.json()["id"])
    assert answer.json()["deliveries"]


def test_waiting_for_routing_gives_the_faults_of_a_rejected_one(
    client: TestClient, context: Context, key: Key
) -> None:
    headers = key("staffordshire-police", "publish") | {"Prefer": "wait=10"}
    timer = threading.Timer(0.3, route.drain, [context])
    timer.start()
    about_nobody = {name: sample(13)[name] for name in ("schema", "reference")}
    answer = client.post("/v1/referrals", json=about_nobody, headers=headers)
    timer.join()
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) >= 4


def test_waiting_ends_in_time_when_nobody_routes(client: TestClient, key: Key) -> None:
    headers = key("staffordshire-police", "publish") | {"Prefer": "wait=1"}
    answer = client.post("/v1/referrals", json=sample(12), headers=headers)
    assert answer.status_code == 202
    assert answer.json()["state"] == "accepted"


def test_two_headers_with_preferences_count_as_one_list(client: TestClient, key: Key) -> None:
    police = key("staffordshire-police", "publish")
    headers = [*police.items(), ("Prefer", "handling=strict"), ("Prefer", "wait=1")]
    answer = client.post("/v1/referrals", json=sample(12), headers=headers)
    assert answer.status_code == 202
    assert answer.headers["preference-applied"] == "handling=strict, wait=1"


def test_bulk_answers_each_line_in_order(client: TestClient, key: Key) -> None:
    headers = key("staffordshire-police", "publish") | {"Content-Type": "application/x-ndjson"}
    good = json.dumps(sample(1))
    other = json.dumps(sample(1) | {"grade": {"level": "low", "reason": "Another."}})
    lines = [good, "{", good, other, json.dumps(sample(14))]
    answer = client.post("/v1/referrals/bulk", content="\n".join(lines), headers=headers)
    results = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["line"] for line in results] == [1, 2, 3, 4, 5]
    assert [line["status"] for line in results] == [202, 400, 202, 409, 422]
    assert results[0]["receipt"]["id"] == results[2]["receipt"]["id"]
    assert results[2]["receipt"]["duplicate"]


def test_a_bulk_beside_others_is_accepted_in_parts_each_when_its_turn_comes(
    client: TestClient, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = key("staffordshire-police", "publish") | {"Content-Type": "application/x-ndjson"}
    parts: list[str] = []
    turns = BulkTurns.part

    @asynccontextmanager
    async def part(self: BulkTurns, spender: str) -> AsyncIterator[int]:
        async with turns(self, spender) as most:
            parts.append("begins")
            yield most
            parts.append("ends")

    monkeypatch.setattr(BulkTurns, "is_alone", lambda *_: False)
    monkeypatch.setattr(BulkTurns, "part", part)
    lines = [json.dumps(sample(1) | {"reference": f"SP-{n}"}) for n in range(60)]
    answer = client.post("/v1/referrals/bulk", content="\n".join(lines), headers=headers)
    assert answer.text.count('"status":202') == 60
    assert parts == ["begins", "ends"] * 3


def test_checking_stores_nothing(client: TestClient, context: Context, key: Key) -> None:
    headers = key("staffordshire-police", "publish")
    answer = client.post("/v1/referrals/check", json=sample(1), headers=headers)
    assert answer.status_code == 200
    assert [delivery["agency"] for delivery in answer.json()["deliveries"]] == ["stoke-csc"]
    strict = headers | {"Prefer": "handling=strict"}
    wrong = client.post("/v1/referrals/check", json=sample(13), headers=strict)
    assert wrong.status_code == 422
    assert len(wrong.json()["errors"]) >= 4
    assert not context.ledger.sweep.due(now=context.clock()).route


def test_an_idempotency_key_names_one_referral(client: TestClient, key: Key) -> None:
    headers = key("staffordshire-police", "publish") | {"Idempotency-Key": "once-1"}
    first = client.post("/v1/referrals", json=sample(1), headers=headers)
    again = client.post("/v1/referrals", json=sample(1), headers=headers)
    assert again.json()["id"] == first.json()["id"]
    other = client.post("/v1/referrals", json=sample(2), headers=headers)
    assert other.status_code == 409
    assert "Idempotency-Key" in other.json()["detail"]


def test_a_collector_that_waits_gets_work_when_it_comes(
    client: TestClient, context: Context, key: Key
) -> None:
    police, agency = key("staffordshire-police", "publish"), key("staffordshire-csc", "collect")
    client.post("/v1/referrals", json=sample(12), headers=police)
    timer = threading.Timer(0.3, route.drain, [context])
    timer.start()
    answer = client.post("/v1/collect", json={"wait": 10}, headers=agency)
    timer.join()
    assert len(answer.json()["deliveries"]) == 1


def test_leases_are_kept_and_given_back(
    client: TestClient, clock: FixedClock, key: Key, drain: Drain
) -> None:
    agency = key("staffordshire-csc", "collect")
    police = key("staffordshire-police", "publish")
    client.post("/v1/referrals", json=sample(12), headers=police)
    drain()
    (offer,) = client.post("/v1/collect", json={}, headers=agency).json()["deliveries"]
    held = {"leases": [{"delivery": offer["delivery"], "lease": offer["lease"]["id"]}]}
    clock.advance(seconds=30)
    (extended,) = client.post("/v1/leases/extend", json=held, headers=agency).json()["results"]
    assert extended["result"] == "extended"
    assert extended["until"] > offer["lease"]["until"]
    (released,) = client.post("/v1/leases/release", json=held, headers=agency).json()["results"]
    assert released["result"] == "released"
    (lost,) = client.post("/v1/leases/extend", json=held, headers=agency).json()["results"]
    assert lost["result"] == "lease_lost"
    assert client.get("/v1/queue", headers=agency).json()["available"] == 1


def test_the_feed_tells_a_publisher_everything_once(
    client: TestClient, key: Key, drain: Drain
) -> None:
    police = key("staffordshire-police", "publish")
    client.post("/v1/referrals", json=sample(12), headers=police)
    drain()
    kinds, after = [], ""
    while True:
        params = {"after": after, "limit": 1}
        page = client.get("/v1/events", params=params, headers=police).json()
        if not page["events"]:
            break
        kinds += [event["kind"] for event in page["events"]]
        after = page["next"]
    assert kinds[:2] == ["referral.accepted", "referral.routed"]
    other = key("west-mercia-police", "publish")
    assert client.get("/v1/events", headers=other).json()["events"] == []


def test_health_metrics_and_documentation_are_there(client: TestClient, key: Key) -> None:
    assert client.get("/livez").json() == {"status": "alive"}
    assert client.get("/readyz").json() == {"status": "ready"}
    assert client.get("/openapi.json").json()["openapi"] == "3.1.0"
    assert "/v1/collect" in client.get("/docs").text
    assert client.get("/metrics", headers=key("ops", "ops")).status_code == 200


def test_metrics_say_what_ends_soon(client: TestClient, key: Key, clock: FixedClock) -> None:
    clock.set("2028-06-01T09:00+00:00")
    text = client.get("/metrics", headers=key("ops", "ops")).text
    assert f'broker_bank_holidays_left_seconds{{nation="SCT"}} {213 * 86_400:.7g}' in text
    assert 'broker_ending_soon{what="terms"} 3.0' in text
    assert 'broker_ending_soon{what="bank_holidays"} 0.0' in text


def test_a_cursor_of_before_a_restore_is_gone_and_says_what_to_do(
    client: TestClient, key: Key, context: Context
) -> None:
    police = key("staffordshire-police", "publish")
    before = client.get("/v1/events", headers=police).json()["next"]
    context.ledger.epochs.begin(by="ops", now=context.clock())
    answer = client.get("/v1/events", params={"after": before, "wait": 20}, headers=police)
    told = answer.json()
    assert (answer.status_code, told["code"], told["reason"]) == (410, "cursor-gone", "restored")
    assert told["since"]
    page = client.get("/v1/events", params={"after": told["read_on"]}, headers=police).json()
    assert page == {"events": [], "next": told["read_on"]}
