"""Who may do what: keys, scopes, other organisations' things, limits."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from broker.domain.ids import OrganisationCode
from broker.flow.context import Context
from broker.gateway import openapi
from tests.acceptance.conftest import sample

Key = Callable[..., dict[str, str]]
GUARDED = [call for call in openapi.CALLS if call.scopes]
ID = "00000000-0000-7000-8000-000000000000"


@pytest.mark.parametrize("call", GUARDED, ids=lambda call: f"{call.method} {call.path}")
def test_every_call_needs_a_key_with_its_scope(client: TestClient, key: Key, call) -> None:
    path = call.path.replace("{id}", ID)
    assert client.request(call.method, path).status_code == 401
    others = {"publish", "collect", "ops"} - set(call.scopes)
    if not others:
        return  # any key may
    answer = client.request(call.method, path, headers=key("ops", *others))
    assert answer.status_code == 403
    assert answer.json()["code"] == "forbidden"


@pytest.mark.parametrize(
    "given",
    [
        "",
        "Basic abc",
        "Bearer",
        "Bearer rb_x_y",
        "Bearer rb_0123456789abcdef_" + "s" * 43,
        "Bearer " + "x" * 5000,
    ],
)
def test_a_wrong_key_is_denied_and_told_nothing(client: TestClient, given: str) -> None:
    answer = client.get("/v1/queue", headers={"Authorization": given})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert len(given) < 10 or given not in answer.text


def test_a_key_ends_when_it_is_revoked_or_expires(
    client: TestClient, context: Context, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.gateway.authentication.KEPT_SECONDS", 0.0)
    headers = key("stoke-csc", "collect")
    assert client.get("/v1/queue", headers=headers).status_code == 200
    (credential,) = context.ledger.credentials.credentials(OrganisationCode("stoke-csc"))
    context.ledger.credentials.expire(credential.id, context.clock() + timedelta(hours=1))
    assert client.get("/v1/queue", headers=headers).status_code == 200
    context.ledger.credentials.revoke(credential.id, context.clock())
    assert client.get("/v1/queue", headers=headers).status_code == 401


def test_what_belongs_to_others_is_not_there(
    client: TestClient, key: Key, drain: Callable[[], None]
) -> None:
    own = key("staffordshire-police", "publish")
    receipt = client.post("/v1/referrals", json=sample(12), headers=own).json()
    drain()
    other = key("west-mercia-police", "publish")
    for path in (f"/v1/referrals/{receipt['id']}", f"/v1/referrals/{receipt['id']}/timeline"):
        assert client.get(path, headers=own).status_code == 200
        assert client.get(path, headers=other).status_code == 404
        assert client.get(path, headers=key("ops", "ops")).status_code == 200
    by_reference = {"reference": receipt["reference"]}
    assert client.get("/v1/referrals", params=by_reference, headers=other).status_code == 404
    agency = key("staffordshire-csc", "collect")
    (offer,) = client.post("/v1/collect", json={}, headers=agency).json()["deliveries"]
    stranger = key("shropshire-csc", "collect")
    path = f"/v1/deliveries/{offer['delivery']}"
    assert client.get(path, headers=agency).status_code == 200
    assert client.get(path, headers=stranger).status_code == 404
    said = {"delivery": offer["delivery"], "stage": "acknowledged", "by": "x"}
    for headers, result in ((stranger, "not_found"), (agency, "recorded")):
        answer = client.post("/v1/receipts", json={"receipts": [said]}, headers=headers)
        assert answer.json()["results"][0]["result"] == result


def test_too_many_requests_are_told_to_wait(
    client: TestClient, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = key("stoke-csc", "collect")
    answers = [client.get("/v1/queue", headers=headers).status_code for _ in range(10)]
    assert set(answers) == {200}
    answers = [client.get("/v1/queue").status_code for _ in range(40)]
    assert answers[-1] == 429


def test_no_answer_may_be_cached_sniffed_or_framed(client: TestClient) -> None:
    for path in ("/livez", "/docs", "/v1/queue", "/nowhere"):
        headers = client.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-request-id"]
