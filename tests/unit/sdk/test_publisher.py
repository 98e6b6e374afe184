"""What a publisher may rely on."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import pytest
from referral_broker_client import (
    Conflict,
    Denied,
    Invalid,
    NotFound,
    Publisher,
    Throttled,
    Unavailable,
    Unexpected,
)

from tests.unit.sdk.scripted import Script

RECEIPT = {
    "id": "0193e0a0-0000-7000-8000-000000000001",
    "reference": "REF/1",
    "state": "accepted",
    "accepted_at": "2026-12-18T16:50:00+00:00",
    "digest": "ab" * 32,
    "duplicate": False,
}
REFUSAL = {
    "type": "https://broker.example.org/problems/invalid",
    "title": "The referral is invalid",
    "detail": "2 faults",
    "code": "invalid",
    "instance": "urn:uuid:1",
    "next_step": "Correct it and publish it again under the same reference.",
    "errors": [{"pointer": "/grade", "code": "required", "message": "A grade is required."}],
}


def publisher(script: Script) -> Publisher:
    return Publisher(script.url, "rb_k1_secret")


def test_a_receipt_says_what_was_accepted_and_when(script: Script) -> None:
    script.say("/v1/referrals", 202, RECEIPT)
    receipt = publisher(script).publish({"reference": "REF/1"})
    assert (receipt.id, receipt.duplicate) == (RECEIPT["id"], False)
    assert receipt.accepted_at == datetime(2026, 12, 18, 16, 50, tzinfo=UTC)


def test_the_key_travels_in_the_header_and_in_no_repr(script: Script) -> None:
    script.say("/v1/referrals", 202, RECEIPT)
    sender = publisher(script)
    sender.publish({})
    assert script.calls[0].headers["Authorization"] == "Bearer rb_k1_secret"
    assert "secret" not in repr(sender) + repr(vars(sender))


def test_bytes_go_out_as_they_are(script: Script) -> None:
    script.say("/v1/referrals", 202, RECEIPT)
    publisher(script).publish(b'{ "reference" : "REF/1" }')
    assert script.calls[0].body == b'{ "reference" : "REF/1" }'


def test_waiting_and_the_idempotency_key_are_asked_for_in_headers(script: Script) -> None:
    script.say("/v1/referrals", 201, RECEIPT)
    publisher(script).publish({}, wait=5, idempotency_key="k-7")
    headers = script.calls[0].headers
    assert (headers["Prefer"], headers["Idempotency-Key"]) == ("wait=5", "k-7")


@pytest.mark.parametrize("busy", [429, 500, 502, 503, 504, 507])
def test_a_busy_gateway_is_asked_again(script: Script, busy: int) -> None:
    script.say("/v1/referrals", busy, {"title": "Busy"}, Retry_After="0")
    script.say("/v1/referrals", 202, RECEIPT)
    assert publisher(script).publish({}).id == RECEIPT["id"]
    assert len(script.calls) == 2


def test_a_broken_connection_is_no_loss_because_the_same_document_goes_again(
    script: Script,
) -> None:
    script.hang_up("/v1/referrals")
    script.say("/v1/referrals", 202, {**RECEIPT, "duplicate": True})
    assert publisher(script).publish({"reference": "REF/1"}).duplicate
    assert script.calls[0].body == script.calls[1].body


def test_retries_end_with_an_error_that_says_to_repeat_later(script: Script) -> None:
    script.say("/v1/referrals", 503, {"title": "Away", "code": "unavailable"}, Retry_After="0")
    with pytest.raises(Unavailable) as caught:
        publisher(script).publish({})
    assert caught.value.code == "unavailable"
    assert len(script.calls) == 5


def test_a_throttled_call_says_how_long_to_wait(script: Script) -> None:
    script.say("/v1/referrals", 429, {"title": "Slow down"}, Retry_After="0")
    with pytest.raises(Throttled) as caught:
        publisher(script).publish({})
    assert caught.value.retry_after_seconds == 0


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, Invalid),
        (401, Denied),
        (403, Denied),
        (404, NotFound),
        (409, Conflict),
        (413, Invalid),
        (415, Invalid),
        (422, Invalid),
        (302, Unexpected),
    ],
)
def test_every_refusal_has_a_typed_error_and_is_not_repeated(
    script: Script, status: int, error: type[Exception]
) -> None:
    script.say("/v1/referrals", status, REFUSAL)
    with pytest.raises(error):
        publisher(script).publish({})
    assert len(script.calls) == 1


def test_an_error_carries_every_fault_and_the_next_step(script: Script) -> None:
    script.say("/v1/referrals", 422, REFUSAL)
    with pytest.raises(Invalid) as caught:
        publisher(script).publish({})
    assert [(fault.pointer, fault.code) for fault in caught.value.faults] == [
        ("/grade", "required")
    ]
    assert caught.value.next_step == REFUSAL["next_step"]


def test_a_proxy_page_instead_of_a_problem_document_is_still_a_typed_error(
    script: Script,
) -> None:
    script.say("/v1/referrals", 500, b"<html>It broke</html>")
    with pytest.raises(Unavailable, match="500"):
        publisher(script).publish({})


def test_a_gateway_that_is_not_there_is_unavailable() -> None:
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1:9"):
        Publisher("http://127.0.0.1:9", "rb_k_s").publish({})


def test_bulk_yields_one_result_for_each_document_in_order(script: Script) -> None:
    lines = [
        b'{"line":1,"status":202,"receipt":' + json.dumps(RECEIPT).encode() + b"}",
        b'{"line":2,"status":409,"problem":{"title":"Taken","code":"reference-conflict"}}',
    ]
    script.say("/v1/referrals/bulk", 200, b"\n".join(lines) + b"\n")
    first, second = publisher(script).publish_many([{"a": 1}, b'{"b":\n2}'])
    assert first.receipt is not None
    assert isinstance(second.error, Conflict)
    assert script.calls[0].body == b'{"a":1}\n{"b": 2}\n'


def test_bulk_is_cut_into_bounded_requests(script: Script) -> None:
    script.say("/v1/referrals/bulk", 200, b"")
    list(publisher(script).publish_many({"n": n} for n in range(1_001)))
    assert [len(call.body.splitlines()) for call in script.calls] == [500, 500, 1]


@pytest.mark.parametrize(
    ("name", "target"),
    [
        (RECEIPT["id"], f"/v1/referrals/{RECEIPT['id']}"),
        ("REF/1 a", "/v1/referrals?reference=REF%2F1+a"),
    ],
)
def test_a_referral_is_found_by_id_or_by_reference(script: Script, name: str, target: str) -> None:
    script.say(target.partition("?")[0], 200, {**RECEIPT, "deliveries": []})
    assert publisher(script).status(name).id == RECEIPT["id"]
    assert script.calls[0].target == target


def test_the_feed_goes_on_from_a_cursor_until_it_is_empty(script: Script) -> None:
    event = {"at": RECEIPT["accepted_at"], "kind": "referral.accepted", "referral": "r"}
    pages = [["1", "2"], ["3"], []]
    for cursors in pages:
        events = [{**event, "cursor": cursor, "reference": "REF"} for cursor in cursors]
        script.say("/v1/events", 200, {"events": events, "next": cursors[-1] if cursors else "3"})
    assert [event.cursor for event in publisher(script).events(after="0")] == ["1", "2", "3"]
    assert [call.target.partition("after=")[2] for call in script.calls] == ["0", "2", "3"]


def test_a_list_is_answered_with_what_has_no_referral(script: Script) -> None:
    reconciled = {
        "day": "2026-12-18",
        "listed": 2,
        "referred": 0,
        "missing": ["a"],
        "rejected": ["b"],
    }
    script.say("/v1/reconciliations", 200, reconciled)
    done = publisher(script).reconcile(date(2026, 12, 18), ["a", "b"])
    assert (done.missing, done.rejected, done.day) == (("a",), ("b",), date(2026, 12, 18))
    assert json.loads(script.calls[-1].body) == {"day": "2026-12-18", "references": ["a", "b"]}


def test_an_event_about_an_organisation_has_no_referral(script: Script) -> None:
    event = {
        **{"cursor": "1-1", "at": RECEIPT["accepted_at"], "kind": "organisation.silent"},
        **{"referral": None, "reference": None, "delivery": None, "agency": None, "data": {}},
    }
    script.say("/v1/events", 200, {"events": [event], "next": "1-1"})
    script.say("/v1/events", 200, {"events": [], "next": "1-1"})
    (event,) = publisher(script).events()
    assert event.referral is event.reference is None
