"""Who may do what: keys, scopes, other organisations' things, limits."""

from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace

import pytest
from starlette.routing import Route
from starlette.testclient import TestClient

from broker.admin import api_keys
from broker.dashboard.paths import ROOT
from broker.domain.codes import Scope
from broker.domain.ids import OrganisationCode
from broker.flow.context import Context
from broker.flow.inbox_notices import INBOX
from broker.gateway import bounds
from broker.gateway.call import Call
from broker.gateway.calls import CALLS
from broker.serving import build
from tests.acceptance.conftest import sample
from tests.conftest import eventually

Key = Callable[..., dict[str, str]]
OPEN = {"GET /livez", "GET /readyz", "GET /v1/keys", "GET /openapi.json", "GET /docs"}
ID = "00000000-0000-7000-8000-000000000000"
GUARDED = [call for call in CALLS if call.scopes]


def served(context: Context) -> set[str]:
    """Return every call that the application answers, its own files and the pages left out."""
    return {
        f"{method} {route.path}"
        for route in build(context).routes
        if isinstance(route, Route)
        and not route.path.startswith(("/docs/", "/problems"))
        and not route.path.startswith((ROOT, INBOX))
        for method in route.methods or ()
        if method != "HEAD"
    }


def test_every_route_is_documented_and_no_other_call_is(
    client: TestClient, context: Context
) -> None:
    document = client.get("/openapi.json").json()
    documented = {
        f"{method.upper()} {path}"
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert documented == served(context)


def test_every_route_but_those_for_everybody_needs_a_key(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.gateway.bounds.FAILURES_A_SECOND", 1000)
    with TestClient(build(context)) as client:
        for name in served(context):
            method, path = name.split(" ")
            answer = client.request(method, path.replace("{id}", ID))
            assert (answer.status_code == 401) == (name not in OPEN), name


@pytest.mark.parametrize("call", GUARDED, ids=lambda call: f"{call.method} {call.path}")
def test_a_key_of_another_scope_is_refused(client: TestClient, key: Key, call: Call) -> None:
    others = {"publish", "collect", "ops"} - set(call.scopes)
    if not others:
        return  # any key may make this call
    path = call.path.replace("{id}", ID)
    answer = client.request(call.method, path, headers=key("ops", *others))
    assert answer.status_code == 403
    assert answer.json()["code"] == "forbidden"


def test_a_key_is_checked_before_the_handler_runs(client: TestClient) -> None:
    """Not even the form of an ID or a body is judged for a caller without a key."""
    assert client.get("/v1/referrals/no-id").status_code == 401
    assert client.post("/v1/referrals", content=b"{").status_code == 401


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Basic abc",
        "Bearer",
        "Bearer rb_x_y",
        "Bearer rb_0123456789abcdef_" + "s" * 43,
        "Bearer " + "x" * 5000,
    ],
)
def test_a_wrong_key_is_denied_and_told_nothing(client: TestClient, header: str) -> None:
    answer = client.get("/v1/queue", headers={"Authorization": header})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert len(header) < 10 or header not in answer.text


def test_a_key_ends_when_it_is_revoked_or_expires(
    client: TestClient, context: Context, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.gateway.authentication.CACHE_SECONDS", 0.0)
    headers = key("stoke-csc", "collect")
    assert client.get("/v1/queue", headers=headers).status_code == 200
    (credential,) = context.ledger.credentials.credentials(OrganisationCode("stoke-csc"))
    context.ledger.credentials.expire(credential.id, context.clock() + timedelta(hours=1))
    assert client.get("/v1/queue", headers=headers).status_code == 200
    context.ledger.credentials.revoke(credential.id, context.clock())
    assert client.get("/v1/queue", headers=headers).status_code == 401


def test_a_revoked_key_works_five_seconds_longer_at_most(
    client: TestClient, context: Context, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SimpleNamespace(monotonic=lambda: clock.at, at=1000.0)
    monkeypatch.setattr("broker.gateway.authentication.time", clock)
    headers = key("stoke-csc", "collect")
    assert client.get("/v1/queue", headers=headers).status_code == 200
    (credential,) = context.ledger.credentials.credentials(OrganisationCode("stoke-csc"))
    assert context.ledger.credentials.revoke(credential.id, context.clock())
    clock.at += 4.9
    assert client.get("/v1/queue", headers=headers).status_code == 200
    clock.at += 0.1
    assert client.get("/v1/queue", headers=headers).status_code == 401


def test_who_tries_keys_is_told_to_wait_like_who_has_none(client: TestClient) -> None:
    guess = {"Authorization": "Bearer rb_0123456789abcdef_" + "s" * 43}
    answers = [client.get("/v1/queue", headers=guess).status_code for _ in range(40)]
    assert answers[0] == 401
    assert answers[-1] == 429


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
    acknowledgement = {"delivery": offer["delivery"], "stage": "acknowledged", "by": "x"}
    for headers, result in ((stranger, "not_found"), (agency, "recorded")):
        answer = client.post("/v1/receipts", json={"receipts": [acknowledgement]}, headers=headers)
        assert answer.json()["results"][0]["result"] == result


def test_too_many_requests_are_told_to_wait(
    client: TestClient, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = key("stoke-csc", "collect")
    answers = [client.get("/v1/queue", headers=headers).status_code for _ in range(10)]
    assert set(answers) == {200}
    answers = [client.get("/v1/queue").status_code for _ in range(40)]
    assert answers[-1] == 429


def test_a_key_with_a_limit_of_its_own_is_told_to_wait_beyond_it(
    client: TestClient, context: Context, key: Key
) -> None:
    limited = api_keys.issue(
        context.ledger,
        OrganisationCode("stoke-csc"),
        [Scope.COLLECT],
        label="test",
        now=context.clock(),
        calls_per_second=2,
    )

    def burst(headers: dict[str, str]) -> list[int]:
        return [client.get("/v1/queue", headers=headers).status_code for _ in range(6)]

    # On a busy machine six calls may take seconds.
    eventually(lambda: burst({"Authorization": f"Bearer {limited}"})[-1] == 429)
    assert set(burst(key("stoke-csc", "collect"))) == {200}


def test_a_header_authorization_that_comes_twice_is_refused(client: TestClient, key: Key) -> None:
    good = key("stoke-csc", "collect")["Authorization"]
    for second in ("Bearer rb_0123456789abcdef_" + "s" * 43, good):
        for pair in ((good, second), (second, good)):
            headers = [("Authorization", header) for header in pair]
            answer = client.get("/v1/queue", headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "denied")


def test_the_ledger_is_not_asked_for_a_strangers_key_beyond_the_limit(
    client: TestClient, context: Context
) -> None:

    def stranger(number: int) -> int:
        headers = {"Authorization": f"Bearer rb_{number:016x}_{'s' * 43}"}
        return client.get("/v1/queue", headers=headers).status_code

    context.ledger.close()
    asked = [stranger(number) for number in range(3)]
    assert set(asked) == {503}  # it was asked

    def is_stopped() -> bool:
        for _ in range(bounds.FAILURES_A_SECOND):
            client.get("/v1/queue")
        return stranger(4) == 429

    eventually(is_stopped)


def test_a_key_that_there_is_not_is_looked_up_once_within_seconds(
    client: TestClient, context: Context
) -> None:
    headers = {"Authorization": f"Bearer rb_{7:016x}_{'s' * 43}"}
    assert client.get("/v1/queue", headers=headers).status_code == 401
    context.ledger.close()
    assert client.get("/v1/queue", headers=headers).status_code == 401


def test_a_key_that_was_seen_is_not_stopped_by_strangers_at_its_address(
    client: TestClient, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("broker.gateway.authentication.CACHE_SECONDS", 0.0)
    known = key("stoke-csc", "collect")
    assert client.get("/v1/queue", headers=known).status_code == 200

    def is_stopped() -> bool:
        failures = [client.get("/v1/queue") for _ in range(2 * bounds.FAILURES_A_SECOND)]
        return failures[-1].status_code == 429

    eventually(is_stopped)
    assert client.get("/v1/queue", headers=known).status_code == 200


def test_no_answer_may_be_cached_sniffed_or_framed(client: TestClient) -> None:
    for path in ("/livez", "/docs", "/v1/queue", "/nowhere"):
        headers = client.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["x-request-id"]
