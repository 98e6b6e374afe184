"""Receipts through the queue: signed ones count, whatever else lies there changes nothing."""

import json
from datetime import UTC, datetime

import pytest

from broker.admin.api_keys import Key
from broker.errors import Unavailable
from broker.flow.context import Context
from broker.intake.receipts_queue import receive_receipts
from broker.transport.queues import SignedReceipts
from broker.transport.signatures import KEY_HEADER, SIGNATURE_HEADER, TIME_HEADER, signature
from tests.acceptance.conftest import World, sample


@pytest.fixture
def leg(world: World) -> dict:
    """A delivery that lies in the queue of stoke-csc."""
    (delivery,) = world.routed(sample(15))["deliveries"]
    assert delivery["agency"] == "stoke-csc"
    return delivery


def signed(headers: dict[str, str], receipts: object, **changes: str) -> SignedReceipts:
    key = Key.parse(headers["Authorization"].removeprefix("Bearer "))
    body = json.dumps(receipts).encode()
    sent_at = datetime.now(UTC).isoformat()
    own = {
        KEY_HEADER: str(key.id),
        TIME_HEADER: sent_at,
        SIGNATURE_HEADER: signature(key.secret_sha256, sent_at, body).decode(),
    }
    return SignedReceipts(own | changes, body)


def receipts_for(leg: dict) -> dict:
    return {"receipts": [{"delivery": leg["id"], "stage": "acknowledged", "by": "Duty worker"}]}


def state(world: World, leg: dict) -> str:
    offered = world.client.get(
        f"/v1/deliveries/{leg['id']}", headers=world.headers("stoke-csc", "collect")
    )
    return offered.json()["state"]


def test_a_signed_receipt_counts_and_may_come_twice(
    world: World, context: Context, leg: dict
) -> None:
    message = signed(world.headers("stoke-csc", "collect"), receipts_for(leg))
    for _ in range(2):
        receive_receipts(context, message)
    assert state(world, leg) == "acknowledged"


@pytest.mark.parametrize(
    "spoil",
    [
        lambda message: SignedReceipts({}, message.body),
        lambda message: SignedReceipts(
            message.headers | {SIGNATURE_HEADER: "0" * 64}, message.body
        ),
        lambda message: SignedReceipts(message.headers, message.body.replace(b"Duty", b"Evil")),
        lambda message: SignedReceipts(message.headers | {KEY_HEADER: "00000000"}, message.body),
    ],
    ids=["unsigned", "wrong signature", "changed body", "unknown key"],
)
def test_a_message_that_is_not_signed_by_a_key_in_use_changes_nothing(
    world: World, context: Context, leg: dict, spoil
) -> None:
    receive_receipts(
        context, spoil(signed(world.headers("stoke-csc", "collect"), receipts_for(leg)))
    )
    assert state(world, leg) == "leased"


def test_another_agencys_key_and_a_publishers_key_change_nothing(
    world: World, context: Context, leg: dict
) -> None:
    for headers in (world.headers("shropshire-csc", "collect"), world.police):
        receive_receipts(context, signed(headers, receipts_for(leg)))
    assert state(world, leg) == "leased"


@pytest.mark.parametrize("content", [[], {}, {"receipts": []}, {"receipts": [{"stage": "x"}]}, 1])
def test_a_signed_message_that_cannot_be_read_changes_nothing(
    world: World, context: Context, leg: dict, content: object
) -> None:
    receive_receipts(context, signed(world.headers("stoke-csc", "collect"), content))
    assert state(world, leg) == "leased"


def test_an_unavailable_ledger_keeps_the_message_and_a_fault_of_ours_drops_it(
    world: World, context: Context, leg: dict, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = signed(world.headers("stoke-csc", "collect"), receipts_for(leg))

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
