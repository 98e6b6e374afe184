"""Bad input: a clear problem document each, never a 500, and nothing is stored."""

import gzip
import json
from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from broker.flow.context import Context
from tests.acceptance.conftest import sample

GOOD = sample(1)
JSON = {"Content-Type": "application/json"}


def body(**changes: object) -> bytes:
    return json.dumps(GOOD | changes).encode()


def with_text(text: str) -> bytes:
    return body(concern=GOOD["concern"] | {"summary": "MARK"}).replace(b"MARK", text.encode())


AT_THE_DOOR = {
    "nothing": (b"", 400, "not-json"),
    "not json": (b"{", 400, "not-json"),
    "an array": (b"[]", 400, "not-an-object"),
    "a number": (b"1", 400, "not-an-object"),
    "256 KB + 1": (body(pad="x" * 262_144), 413, "too-large"),
    "10,000 levels": (b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", 400, "too-deep"),
    "10,000 open levels": (b"[" * 10_000, 400, "too-deep"),
    "a duplicate name": (b'{"a":1,"a":2}', 400, "duplicate-name"),
    "NaN": (b'{"a":NaN}', 400, "not-a-number"),
    "infinity": (b'{"a":-Infinity}', 400, "not-a-number"),
    "a lone surrogate": (b'{"a":"\\ud800"}', 400, "lone-surrogate"),
    "NUL": (b'{"a":"\\u0000"}', 400, "nul"),
    "not UTF-8": (b'{"a":"\xff"}', 400, "not-utf-8"),
    "a data URI": (with_text("data:image/png;base64,AAAA"), 422, "data-uri"),
    "base64 in pieces": (
        with_text("QmFzZTY0IG9mIDEw MCBieXRlcyBvciBt " * 20),
        422,
        "binary-content",
    ),
    "long base64": (with_text("QUJD" * 100), 422, "binary-content"),
    "no reference": (body(reference=None), 422, "bad-reference"),
    "another schema": (body(schema="referral/9"), 422, "unknown-schema"),
}


@pytest.mark.parametrize("name", AT_THE_DOOR)
def test_what_cannot_be_kept_is_refused_with_every_reason(
    client: TestClient, context: Context, key: Callable[..., dict], name: str
) -> None:
    sent, status, code = AT_THE_DOOR[name]
    headers = key("staffordshire-police", "publish") | JSON
    answer = client.post("/v1/referrals", content=sent, headers=headers)
    problem = answer.json()
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert code in [error["code"] for error in problem["errors"]]
    assert problem["next_step"]
    assert problem["instance"].startswith("urn:uuid:")
    assert not context.ledger.sweep.due(now=context.clock()).route


@pytest.mark.parametrize(
    ("headers", "content"),
    [
        ({"Content-Type": "text/plain"}, body()),
        ({}, body()),
        (JSON | {"Content-Encoding": "gzip"}, gzip.compress(b"0" * 100_000_000)),
        (JSON | {"Content-Encoding": "br"}, b"x"),
    ],
    ids=["plain text", "no type", "a gzip bomb", "brotli"],
)
def test_other_media_types_and_encodings_are_refused(
    client: TestClient, key: Callable[..., dict], headers: dict, content: bytes
) -> None:
    sent = key("staffordshire-police", "publish") | headers
    answer = client.post("/v1/referrals", content=content, headers=sent)
    assert answer.status_code == 415
    assert answer.json()["code"] == "unsupported-media-type"


def test_unknown_fields_are_kept_and_answered_for(
    client: TestClient, key: Callable[..., dict], drain: Callable[[], None]
) -> None:
    headers = key("staffordshire-police", "publish") | JSON
    receipt = client.post("/v1/referrals", content=body(surprise=1), headers=headers).json()
    drain()
    status = client.get(receipt["links"]["self"], headers=headers).json()
    assert status["state"] == "routed"
    defects = [(defect["pointer"], defect["code"]) for defect in status["defects"]]
    assert ("/surprise", "unknown-field") in defects


@pytest.mark.parametrize("address", ["/v1/referrals", "/v1/referrals/check"])
def test_strict_handling_tells_every_fault_at_once(
    client: TestClient, key: Callable[..., dict], address: str
) -> None:
    preference = {"Prefer": "respond-async, handling=strict"}
    headers = key("staffordshire-police", "publish") | JSON | preference
    answer = client.post(address, content=body(surprise=1, children=1), headers=headers)
    assert answer.status_code == 422
    assert {error["pointer"] for error in answer.json()["errors"]} >= {"/surprise", "/children"}
    fit = client.post(address, content=body(), headers=headers)
    assert fit.headers["preference-applied"] == "handling=strict"


def test_strict_handling_judges_each_line_by_itself(
    client: TestClient, key: Callable[..., dict]
) -> None:
    headers = key("staffordshire-police", "publish") | {
        "Content-Type": "application/x-ndjson",
        "Prefer": "handling=strict",
    }
    lines = body(reference="S-1") + b"\n" + body(reference="S-2", surprise=1) + b"\n"
    answer = client.post("/v1/referrals/bulk", content=lines, headers=headers)
    assert [json.loads(line)["status"] for line in answer.text.splitlines()] == [202, 422]


BAD_REQUESTS = {
    "collect too many": ("/v1/collect", {"max": 101}, "/max"),
    "collect none": ("/v1/collect", {"max": 0}, "/max"),
    "wait too long": ("/v1/collect", {"wait": 31}, "/wait"),
    "an unknown field": ("/v1/collect", {"surprise": 1}, "/surprise"),
    "no receipts": ("/v1/receipts", {"receipts": []}, "/receipts"),
    "a delivery without an id": (
        "/v1/receipts",
        {"receipts": [{"stage": "collected"}]},
        "/receipts/0/delivery",
    ),
    "no outcome": (
        "/v1/receipts",
        {"receipts": [{"delivery": "0" * 32, "stage": "decided", "by": "x"}]},
        "/receipts/0/outcome",
    ),
    "a lease that is no id": (
        "/v1/leases/extend",
        {"leases": [{"delivery": "x", "lease": "y"}]},
        "/leases/0/lease",
    ),
}


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_a_request_that_is_wrong_says_where(
    client: TestClient, key: Callable[..., dict], name: str
) -> None:
    path, sent, pointer = BAD_REQUESTS[name]
    answer = client.post(path, json=sent, headers=key("shropshire-csc", "collect"))
    assert answer.status_code == 422
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/referrals?reference=",
        "/v1/events?after=nonsense",
        "/v1/events?wait=-1",
        "/v1/events?wait=nan",
        "/v1/events?limit=x",
        "/v1/refusals?limit=999999",
    ],
)
def test_a_query_that_is_wrong_is_refused(
    client: TestClient, key: Callable[..., dict], path: str
) -> None:
    answer = client.get(path, headers=key("staffordshire-police", "publish"))
    assert answer.status_code == 422
    assert answer.json()["code"] == "invalid"


@pytest.mark.parametrize("id_", ["x", "0", "0" * 32, "%00", "..%2f..", "1" * 500])
def test_an_id_that_is_none_is_not_found(
    client: TestClient, key: Callable[..., dict], id_: str
) -> None:
    for scope, path in (("publish", "referrals"), ("collect", "deliveries")):
        answer = client.get(f"/v1/{path}/{id_}", headers=key("staffordshire-police", scope))
        assert answer.status_code == 404, path
        assert answer.json()["code"] == "not-found"


def test_another_method_says_which_there_are(client: TestClient) -> None:
    answer = client.delete("/v1/collect")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.json()["code"] == "method-not-allowed"
