"""Receipts through the queue: signed ones count, whatever else lies there changes nothing."""

import base64
import json
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Thread

import psycopg
import pytest
from joserfc import jws
from joserfc.jwk import OctKey, OKPKey

from broker.admin import signing_keys
from broker.admin.api_keys import Key
from broker.domain.delivery import ReceiptMessage
from broker.domain.ids import OrganisationCode
from broker.errors import Unavailable
from broker.flow.context import Context
from broker.intake.receipts_queue import note_drained, receive_receipts
from broker.transport.queues import SignedReceipts
from broker.transport.signatures import (
    KEY_HEADER,
    SIGNATURE_HEADER,
    TIME_HEADER,
    new_private_key,
    signature,
)
from tests.acceptance.conftest import World, sample

PEM, STRANGER = new_private_key(), new_private_key()
_REGISTRY = jws.JWSRegistry(algorithms=["Ed25519"], strict_check_header=False)
Sign = Callable[..., SignedReceipts]


@pytest.fixture
def leg(world: World) -> dict:
    """A delivery that lies in the queue of stoke-csc."""
    (delivery,) = world.routed(sample(15))["deliveries"]
    assert delivery["agency"] == "stoke-csc"
    return delivery


@pytest.fixture
def signed(context: Context) -> Sign:
    """Sign receipts with the registered key of stoke-csc, by a clock that agrees."""
    signing_keys.register(context.ledger, "stoke-csc", PEM, now=context.clock())

    def sign(receipts: object, *, pem: str = PEM, ago: float = 0, **changed: object):
        key = OKPKey.import_key(pem)
        header = {
            "alg": "Ed25519",
            "kid": key.thumbprint(),
            "typ": "referral-receipts+jws",
            "iss": "stoke-csc",
            "aud": "referral-broker",
            "iat": int(context.clock().timestamp() - ago),
            "jti": secrets.token_hex(8),
            **changed,
        }
        body = jws.serialize_compact(header, json.dumps(receipts), key, registry=_REGISTRY)
        return SignedReceipts({}, body.encode())

    return sign


def old(headers: dict[str, str], receipts: object, *, sent_at: datetime) -> SignedReceipts:
    """Sign receipts in the old form: with what the ledger stores of a key."""
    key = Key.parse(headers["Authorization"].removeprefix("Bearer "))
    body, at = json.dumps(receipts).encode(), sent_at.isoformat()
    own = {
        KEY_HEADER: str(key.id),
        TIME_HEADER: at,
        SIGNATURE_HEADER: signature(key.secret_sha256, at, body).decode(),
    }
    return SignedReceipts(own, body)


def receipts_for(leg: dict) -> dict:
    return {"receipts": [{"delivery": leg["id"], "stage": "acknowledged", "by": "Duty worker"}]}


def state(world: World, leg: dict) -> str:
    offered = world.client.get(
        f"/v1/deliveries/{leg['id']}", headers=world.headers("stoke-csc", "collect")
    )
    return offered.json()["state"]


def decision(leg: dict, outcome: str) -> dict:
    receipt = {"delivery": leg["id"], "stage": "decided", "by": "Duty worker", "outcome": outcome}
    return {"receipts": [receipt]}


def test_a_signed_receipt_counts_and_its_like_changes_nothing_more(
    world: World, context: Context, leg: dict, signed: Sign
) -> None:
    for _ in range(2):
        receive_receipts(context, signed(receipts_for(leg)))
    assert state(world, leg) == "acknowledged"


def test_a_message_is_taken_once(
    world: World, context: Context, leg: dict, signed: Sign, capsys: pytest.CaptureFixture[str]
) -> None:
    message = signed(receipts_for(leg))
    receive_receipts(context, message)
    capsys.readouterr()
    receive_receipts(context, message)
    assert "receipts dropped" in "".join(capsys.readouterr())


@pytest.mark.parametrize("ago", [-400, 301, 30 * 86_400])
def test_a_message_from_another_time_changes_nothing(
    world: World, context: Context, leg: dict, signed: Sign, ago: float
) -> None:
    receive_receipts(context, signed(receipts_for(leg), ago=ago))
    assert state(world, leg) == "leased"
    receive_receipts(context, signed(receipts_for(leg), ago=299 if ago > 0 else -299))
    assert state(world, leg) == "acknowledged"


def test_what_waited_while_no_worker_read_is_not_late(
    world: World, context: Context, leg: dict, signed: Sign
) -> None:
    drained_at = context.clock() - timedelta(hours=3)
    note_drained(context, drained_at)
    assert context.ledger.queue_keys.drained_at() == drained_at
    late = signed(receipts_for(leg), ago=4 * 3600)
    receive_receipts(context, late, drained_at=drained_at)
    assert state(world, leg) == "leased"
    waited = signed(receipts_for(leg), ago=2 * 3600)
    receive_receipts(context, waited, drained_at=drained_at)
    assert state(world, leg) == "acknowledged"


def test_messages_are_forgotten_only_when_they_are_late(context: Context) -> None:
    now = context.clock()
    for name, ago in (("young", timedelta(hours=23)), ("old", timedelta(days=2))):
        message = ReceiptMessage("k", name, now - ago)
        settling = context.ledger.receipts.settle(
            OrganisationCode("stoke-csc"), [], now=now, actor="key:k", message=message
        )
        with settling:
            pass
    note_drained(context, now)
    with psycopg.connect(context.settings.database_url) as connection:
        assert connection.execute("select id from receipt_message").fetchall() == [("young",)]


@pytest.mark.parametrize(
    "changed",
    [
        {"pem": STRANGER},
        {"iss": "shropshire-csc"},
        {"aud": "another-broker"},
        {"typ": "referral-copy+jws"},
        {"kid": "00000000"},
    ],
    ids=["a stranger's key", "another agency", "another audience", "a copy", "unknown key"],
)
def test_a_message_that_the_agency_did_not_sign_changes_nothing(
    world: World, context: Context, leg: dict, signed: Sign, changed: dict
) -> None:
    receive_receipts(context, signed(receipts_for(leg), **changed))
    assert state(world, leg) == "leased"


def test_a_changed_body_and_a_revoked_key_change_nothing(
    world: World, context: Context, leg: dict, signed: Sign
) -> None:
    message = signed(receipts_for(leg))
    head, _, proof = message.body.split(b".")
    other = signed(decision(leg, "no_further_action")).body.split(b".")[1]
    receive_receipts(context, SignedReceipts({}, b".".join((head, other, proof))))
    assert state(world, leg) == "leased"
    (key,) = context.ledger.queue_keys.agency_keys()
    assert context.ledger.queue_keys.revoke_agency_key(key.id, context.clock())
    receive_receipts(context, message)
    assert state(world, leg) == "leased"


def test_nothing_in_the_ledger_signs_a_receipt(
    world: World, context: Context, leg: dict, signed: Sign
) -> None:
    headers = world.headers("stoke-csc", "collect")
    (registered,) = context.ledger.queue_keys.agency_keys()
    stored = Key.parse(headers["Authorization"].removeprefix("Bearer ")).secret_sha256
    forged = decision(leg, "no_further_action")
    receive_receipts(context, old(headers, forged, sent_at=context.clock()))
    for secret in (stored, registered.public_key):
        header = {
            "alg": "HS256",
            "kid": registered.id,
            "typ": "referral-receipts+jws",
        }
        key = OctKey.import_key(secret)
        body = jws.serialize_compact(header, json.dumps(forged), key, algorithms=["HS256"])
        receive_receipts(context, SignedReceipts({}, body.encode()))
    assert state(world, leg) == "leased"


def test_an_agency_whose_channel_is_not_the_queue_answers_over_http_alone(
    world: World, context: Context
) -> None:
    status = world.routed(sample(3))
    elsewhere = next(leg for leg in status["deliveries"] if leg["agency"] == "shropshire-csc")
    signing_keys.register(context.ledger, "shropshire-csc", STRANGER, now=context.clock())
    key = OKPKey.import_key(STRANGER)
    header = {
        "alg": "Ed25519",
        "kid": key.thumbprint(),
        "typ": "referral-receipts+jws",
        "iss": "shropshire-csc",
        "aud": "referral-broker",
        "iat": int(context.clock().timestamp()),
        "jti": "m1",
    }
    body = json.dumps(receipts_for(elsewhere))
    message = jws.serialize_compact(header, body, key, registry=_REGISTRY)
    receive_receipts(context, SignedReceipts({}, message.encode()))
    after = next(leg for leg in world.status(status)["deliveries"] if leg["id"] == elsewhere["id"])
    assert after["state"] == elsewhere["state"]


def test_the_old_form_counts_only_where_the_settings_say_so(
    world: World, context: Context, leg: dict
) -> None:
    headers = world.headers("stoke-csc", "collect")
    accepting = replace(context, settings=replace(context.settings, accept_old_signatures=True))
    long_ago = old(headers, receipts_for(leg), sent_at=datetime(1999, 1, 1, tzinfo=UTC))
    receive_receipts(accepting, long_ago)
    of_others = (world.headers("shropshire-csc", "collect"), world.police)
    without_the_scope = world.headers("stoke-csc", "publish")
    for other in (*of_others, without_the_scope):
        receive_receipts(accepting, old(other, receipts_for(leg), sent_at=context.clock()))
    message = old(headers, receipts_for(leg), sent_at=context.clock())
    receive_receipts(context, message)
    assert state(world, leg) == "leased"
    receive_receipts(accepting, message)
    assert state(world, leg) == "acknowledged"


def decisions(context: Context) -> list[tuple[int, str, str | None]]:
    with psycopg.connect(context.settings.database_url) as connection:
        return connection.execute(
            "select number, outcome, views_considered from answer order by number"
        ).fetchall()


def test_a_message_that_comes_again_after_a_later_one_puts_nothing_back(
    context: Context, leg: dict, signed: Sign
) -> None:
    """Its worker was killed after the commit, and another one took the next message meanwhile."""
    first, second = (signed(decision(leg, outcome)) for outcome in ("advice", "assessment"))

    def killed(point: str) -> None:
        raise Unavailable(point)

    with pytest.raises(Unavailable):
        receive_receipts(replace(context, hit=killed), first)
    receive_receipts(context, second)
    receive_receipts(context, first)
    assert decisions(context) == [(1, "advice", None), (2, "assessment", None)]


def test_a_message_that_is_taken_by_two_at_once_counts_once(
    context: Context, leg: dict, signed: Sign
) -> None:
    message = signed(decision(leg, "advice"))
    workers = [Thread(target=receive_receipts, args=(context, message)) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert decisions(context) == [(1, "advice", None)]


@pytest.mark.parametrize(
    "wrong",
    [{"by": "."}, {"stage": "seen"}, {"delivery": "d1"}, {"stage": "decided"}],
    ids=str,
)
def test_a_receipt_that_cannot_be_read_costs_no_other_of_its_message(
    world: World, context: Context, leg: dict, signed: Sign, wrong: dict
) -> None:
    (good,) = receipts_for(leg)["receipts"]
    receive_receipts(context, signed({"receipts": [{**good, **wrong}, 5, good]}))
    assert state(world, leg) == "acknowledged"


def test_what_only_adds_to_a_receipt_costs_itself_where_it_cannot_be_read(
    context: Context, leg: dict, signed: Sign
) -> None:
    (made,) = decision(leg, "assessment")["receipts"]
    added = {"child_told": "perhaps", "views_considered": "yes", "note": None, "ward": "7"}
    receive_receipts(context, signed({"receipts": [{**made, **added}]}))
    assert decisions(context) == [(1, "assessment", "yes")]


def encoded(part: bytes) -> bytes:
    return base64.urlsafe_b64encode(part).rstrip(b"=")


@pytest.mark.parametrize(
    "changes",
    [
        {"crit": ["exp"], "exp": 1},
        {"crit": []},
        {"crit": ["b64"], "b64": False},
        {"alg": "EdDSA"},
        {"alg": "none"},
        {"aud": ["referral-broker"]},
        {"iss": "Stoke-CSC"},
        {"kid": ["x"]},
        {"kid": "a\x00b"},
        {"jwk": dict(OKPKey.import_key(STRANGER).as_dict(private=False))},
    ],
    ids=lambda changes: " ".join(
        f"{name} {changes[name]!r}"[:30] for name in changes if name != "jwk"
    ),
)
def test_a_header_that_asks_for_something_else_is_denied_and_is_no_fault_of_ours(
    world: World,
    context: Context,
    leg: dict,
    signed: Sign,
    changes: dict,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Signed as it stands with the registered key, or with that of a stranger who names it."""
    head, payload, _ = signed(receipts_for(leg)).body.split(b".")
    header = {**json.loads(base64.urlsafe_b64decode(head + b"==")), **changes}
    signing = encoded(json.dumps(header).encode()) + b"." + payload
    key = OKPKey.import_key(STRANGER if "jwk" in changes else PEM).get_op_key("sign")
    capsys.readouterr()
    receive_receipts(context, SignedReceipts({}, signing + b"." + encoded(key.sign(signing))))
    assert state(world, leg) == "leased"
    assert '"event":"receipts dropped"' in "".join(capsys.readouterr())


@pytest.mark.parametrize("twice", ['"iss": "shropshire-csc"', '"alg": "none"'])
def test_a_header_with_a_name_twice_is_denied(
    world: World, context: Context, leg: dict, signed: Sign, twice: str
) -> None:
    head, payload, _ = signed(receipts_for(leg)).body.split(b".")
    header = base64.urlsafe_b64decode(head + b"==")[:-1] + f", {twice}}}".encode()
    signing = encoded(header) + b"." + payload
    proof = OKPKey.import_key(PEM).get_op_key("sign").sign(signing)
    receive_receipts(context, SignedReceipts({}, signing + b"." + encoded(proof)))
    assert state(world, leg) == "leased"


@pytest.mark.parametrize("content", [[], {}, {"receipts": []}, {"receipts": [{"stage": "x"}]}, 1])
def test_a_signed_message_that_cannot_be_read_changes_nothing(
    world: World, context: Context, leg: dict, signed: Sign, content: object
) -> None:
    receive_receipts(context, signed(content))
    assert state(world, leg) == "leased"


def test_an_unavailable_ledger_keeps_the_message_and_a_fault_of_ours_drops_it(
    world: World, context: Context, leg: dict, signed: Sign, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = signed(receipts_for(leg))

    def fail(error: Exception) -> None:
        raise error

    for error in (Unavailable("away"), ZeroDivisionError()):
        monkeypatch.setattr("broker.flow.answer.settle", lambda *_, e=error, **__: fail(e))
        if isinstance(error, Unavailable):
            with pytest.raises(Unavailable):
                receive_receipts(context, message)
        else:
            receive_receipts(context, message)
    monkeypatch.undo()
    assert state(world, leg) == "leased"
    receive_receipts(context, message)
    assert state(world, leg) == "acknowledged"
