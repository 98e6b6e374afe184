"""Copies of deliveries in a real queue, encrypted to their agency or not sent at all."""

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from redis import Redis
from referral_broker_client.queue_signatures import DecryptionKey, PinnedKeys, open_copy

from broker.admin import signing_keys
from broker.channels.base import Parcel
from broker.channels.queue import NO_KEY, QueueChannel
from broker.devstack.engines import Engines
from broker.domain.codes import DeliveryKind, Role
from broker.domain.delivery import Offer
from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.domain.push import Deferred, Sent
from broker.domain.states import DeliveryState
from broker.flow.context import Context
from broker.transport.encryption import EncryptionKey, new_encryption_key
from broker.transport.signatures import CopySigner
from tests.acceptance.conftest import World, sample
from tests.conftest import SIGNING_KEY

STOKE = OrganisationCode("stoke-csc")
BROKER = PinnedKeys({"keys": [dict(CopySigner(SIGNING_KEY).public.jwk)]})


def test_a_registered_key_encrypts_every_copy_from_then_on(
    world: World, engines: Engines, context: Context
) -> None:
    pem = new_encryption_key()
    signing_keys.register_any(context.ledger, STOKE, pem, now=context.clock())
    (leg,) = world.routed(sample(15))["deliveries"]
    with Redis.from_url(engines.exchange_url) as valkey:
        (element,) = valkey.lrange(f"agency.{STOKE}", 0, -1)
    copy = base64.b64decode(json.loads(element)["body"])
    assert copy.count(b".") == 4
    own = [DecryptionKey(pem)]
    assert open_copy(copy, agency=STOKE, keys=BROKER, decryption=own)["delivery"] == leg["id"]


def parcel() -> Parcel:
    """Return what goes to stoke-csc, as it stands before it is encrypted."""
    now = datetime.now(UTC)
    offer = Offer(
        id=DeliveryId(UUID(int=1)),
        referral=ReferralId(UUID(int=2)),
        reference="REF/1",
        publisher=OrganisationCode("staffordshire-police"),
        agency=STOKE,
        channel="queue",
        state=DeliveryState.LEASED,
        attempt=1,
        lease=None,
        role=Role.LEAD,
        row="social-care",
        view="social-care",
        scope={},
        grade="high",
        effective_grade="high",
        policy_version="1",
        accepted_at=now,
        available_at=now,
        clock_start=now,
        due={},
        met={},
        explanation={},
        defects=[],
        warnings=[],
        areas={},
        body=b"{}",
        version=1,
        latest_version=1,
        kind=DeliveryKind.REFERRAL,
        follows=None,
    )
    return Parcel(offer, b"{}")


def test_what_must_be_encrypted_waits_and_holds_up_no_other(
    engines: Engines, context: Context
) -> None:
    engines.exchange.start()
    engines.exchange.wipe()
    channel = QueueChannel(engines.exchange_url, CopySigner(SIGNING_KEY))
    required = replace(parcel(), must_encrypt=True)
    pem = EncryptionKey.from_pem(new_encryption_key()).pem
    ready = replace(required, encryption_key=pem)
    outcomes = channel.send([required, parcel(), ready], now=context.clock())
    channel.close()
    assert isinstance(outcomes[0], Deferred)
    assert outcomes[0].code == NO_KEY
    assert [type(outcome) for outcome in outcomes[1:]] == [Sent, Sent]
    with Redis.from_url(engines.exchange_url) as valkey:
        assert valkey.llen(f"agency.{STOKE}") == 2
