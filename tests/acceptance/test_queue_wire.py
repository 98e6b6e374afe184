"""docs/queue-wire.md, run as it stands: a plain redis-py client takes a copy and answers it."""

import json
import re
from functools import partial
from typing import Any

import pytest
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey
from redis import Redis

from broker.admin import signing_keys
from broker.bootstrap import utc_now
from broker.devstack.engines import Engines
from broker.domain.ids import OrganisationCode
from broker.flow.context import Context
from broker.intake.receipts_queue import receive_receipts
from broker.transport.encryption import EncryptionKey
from broker.transport.exchange_users import add_user, address_for
from broker.transport.queues import AgencyQueues
from broker.transport.signatures import CopySigner, new_private_key
from tests.acceptance.conftest import World, sample
from tests.conftest import ROOT, SIGNING_KEY

STOKE = OrganisationCode("stoke-csc")


def example() -> dict[str, Any]:
    """Run the examples of the document, and return what they define."""
    text = (ROOT / "docs" / "queue-wire.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    for source in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(source, names)
    return names


@pytest.mark.parametrize("kind", [OKPKey, ECKey], ids=["X25519", "P-256"])
def test_the_example_reads_what_is_encrypted_to_a_key_of_either_curve(kind: Any) -> None:
    pem = kind.generate_key("X25519" if kind is OKPKey else "P-256").as_pem(private=True).decode()
    signer = CopySigner(SIGNING_KEY)
    delivery = {"delivery": "d1", "version": 2, "agency": STOKE, "content": {}}
    body = json.dumps(delivery).encode()
    signed = signer.sign(body, agency=STOKE, delivery="d1", version=2, now=utc_now())
    copy = EncryptionKey.from_pem(pem).encrypt(signed)
    key_set = {"keys": [dict(signer.public.jwk)]}
    assert example()["read"](copy, STOKE, key_set, pem) == delivery


def test_the_example_takes_a_copy_answers_it_and_believes_no_forged_one(
    world: World, engines: Engines, context: Context
) -> None:
    names, pem = example(), new_private_key()
    signing_keys.register(context.ledger, STOKE, pem, now=context.clock())
    signing_keys.publish_signing_key(context.ledger, SIGNING_KEY, now=context.clock())
    key_set = world.client.get("/v1/keys").json()
    (leg,) = world.routed(sample(15))["deliveries"]
    assert add_user(engines.exchange_url, STOKE, "a-password")
    with Redis.from_url(address_for(engines.exchange_url, STOKE, "a-password")) as valkey:
        delivery = names["take"](valkey, STOKE, key_set)
        assert delivery["delivery"] == leg["id"]
        receipt = {"delivery": leg["id"], "stage": "acknowledged", "by": "Duty worker"}
        names["answer"](valkey, STOKE, pem, [receipt])
    world.clock.now = utc_now()  # the agency signs by its own clock
    queues = AgencyQueues(engines.exchange_url)
    assert queues.receive(partial(receive_receipts, context), limit=10, wait=2) == 1
    queues.close()
    offered = world.client.get(
        f"/v1/deliveries/{leg['id']}", headers=world.headers(STOKE, "collect")
    )
    assert offered.json()["state"] == "acknowledged"
    with Redis.from_url(engines.exchange_url) as valkey:
        names["answer"](valkey, STOKE, new_private_key(), [receipt])
        forged = valkey.rpop("receipts")
        valkey.lpush("agency.stoke-csc", forged)
        with pytest.raises((JoseError, ValueError)):
            names["take"](valkey, STOKE, key_set)


def test_a_recall_of_one_part_leaves_the_copies_of_another_in_the_queue(
    world: World, engines: Engines, context: Context
) -> None:
    """Stoke leads for one child, and is not responsible for the other one any more."""
    signing_keys.publish_signing_key(context.ledger, SIGNING_KEY, now=context.clock())
    key_set = world.client.get("/v1/keys").json()
    world.clock.now = utc_now()
    document = sample(3)
    receipt = world.routed(document)
    for name in ("looked_after", "placing_authority"):
        document["children"][1].pop(name)
    document["concern"]["summary"] += " More is known."
    path = f"/v1/referrals/{receipt['id']}/corrections"
    assert world.client.post(path, json=document, headers=world.police).is_success
    world.drain()
    with Redis.from_url(engines.exchange_url) as valkey:
        taken = [example()["take"](valkey, STOKE, key_set) for _ in range(3)]
        assert valkey.llen(f"agency.{STOKE}") == 0
    assert sorted((copy["kind"], copy["recall_reason"]) for copy in taken) == [
        ("correction", None),
        ("recall", "no_longer_addressed"),
        ("referral", None),
    ]
    lead, correction, recall = sorted(taken, key=lambda copy: (copy["version"], copy["kind"]))
    assert correction["follows"] == lead["delivery"]
    assert recall["follows"] != lead["delivery"]
