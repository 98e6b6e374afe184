"""The exchange on a real RabbitMQ: copies out, receipts in, and what an agency's user may do."""

import base64
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pika
import pytest
from kombu import Connection
from pika.exceptions import ChannelClosedByBroker, ChannelWrongStateError
from referral_broker_client.queue_consumer import QueueConsumer
from referral_broker_client.queue_signatures import (
    AgencyKey,
    DecryptionKey,
    PinnedKeys,
    QueueKeys,
)

from broker.cli.database.doctor import Failed, _users
from broker.domain.ids import OrganisationCode
from broker.errors import Unavailable
from broker.transport.encryption import EncryptionKey, new_encryption_key
from broker.transport.exchange_users import address_for, guest_may_enter, rabbitmq_lines
from broker.transport.queues import AgencyQueues, Copy, SignedReceipts
from broker.transport.signatures import CopySigner, PublicKey, new_private_key, verify_receipts
from tests.conftest import ROOT, eventually
from tests.rabbitmq import RabbitMQ, is_installed

pytestmark = [
    pytest.mark.skipif(not is_installed(), reason="no rabbitmq-server"),
    pytest.mark.xdist_group("rabbitmq"),
]
STOKE, SHROPSHIRE = OrganisationCode("stoke-csc"), OrganisationCode("shropshire-csc")
PEM, ENCRYPTION_PEM = new_private_key(), new_encryption_key()
SIGNER = CopySigner(new_private_key())
KEY_SET = {"keys": [dict(SIGNER.public.jwk)]}
KEYS = QueueKeys(AgencyKey(PEM), PinnedKeys(KEY_SET), (DecryptionKey(ENCRYPTION_PEM),))
PUBLIC = PublicKey.from_pem(PEM)


@pytest.fixture(scope="module")
def rabbit(rabbitmq: RabbitMQ) -> RabbitMQ:
    """A RabbitMQ with a user for each of two agencies, made by the lines that are issued."""
    queues = AgencyQueues(rabbitmq.url)
    for agency in (STOKE, SHROPSHIRE):
        queues.prepare(agency)
        add, *others = rabbitmq_lines(agency, Path("agency.url"))
        assert add == f"cut -d: -f3 agency.url | cut -d@ -f1 | rabbitmqctl add_user {agency}"
        rabbitmq.control("add_user", agency, said=f"password-of-{agency}")
        for line in others:
            rabbitmq.control(*shlex.split(line)[1:])
    queues.close()
    return rabbitmq


@pytest.fixture
def queues(rabbit: RabbitMQ) -> Iterator[AgencyQueues]:
    """The broker's own end, over empty queues."""
    for name in (f"agency.{STOKE}", f"agency.{SHROPSHIRE}", "receipts"):
        rabbit.control("purge_queue", name)
    opened = AgencyQueues(rabbit.url)
    yield opened
    opened.close()


@pytest.fixture
def address(rabbit: RabbitMQ) -> str:
    """Return the address that stoke-csc is given."""
    return address_for(rabbit.url, STOKE, f"password-of-{STOKE}")


@pytest.fixture
def open_channel(address: str) -> Iterator[Any]:
    """Open channels of stoke-csc's user; one that is denied something is closed."""
    parameters = pika.URLParameters(address.removesuffix("//") + "/%2F")
    with pika.BlockingConnection(parameters) as connection:
        yield connection.channel


def copy(number: int, **changed: Any) -> Copy:
    """Return a copy for stoke-csc, signed and encrypted."""
    value = {
        "delivery": f"d{number}",
        "version": 1,
        "agency": STOKE,
        "referral": "r1",
        "reference": "REF/1",
        "publisher": "staffordshire-police",
        "attempt": 1,
        "role": "lead",
        "content": {},
        **changed,
    }
    signed = SIGNER.sign(
        json.dumps(value).encode(),
        agency=STOKE,
        delivery=value["delivery"],
        version=value["version"],
        now=datetime.now(UTC),
    )
    body = EncryptionKey.from_pem(ENCRYPTION_PEM).encrypt(signed)
    is_recall = value.get("kind") == "recall"
    return Copy(STOKE, value["delivery"], body, value["referral"], is_recall)


def receipts_in(queues: AgencyQueues) -> list[dict[str, str]]:
    """Take the receipts that came, verified as the broker does."""
    found: list[dict[str, str]] = []

    def handle(message: SignedReceipts) -> None:
        verified = verify_receipts(message.body, key_of={PUBLIC.id: PUBLIC.raw}.get)
        assert verified.agency == STOKE
        found.extend(json.loads(verified.body)["receipts"])

    while queues.receive(handle, limit=10, wait=1):
        pass
    return found


def test_the_sdk_takes_copies_and_answers_them(queues: AgencyQueues, address: str) -> None:
    assert queues.publish([copy(1), copy(2)]) == ["", ""]
    taken = []
    with QueueConsumer(address, STOKE, KEYS, by="Intake desk", wait=0) as consumer:
        for delivery in consumer:
            with delivery:
                taken.append(delivery.id)
    assert taken == ["d1", "d2"]
    stages = [(receipt["delivery"], receipt["stage"]) for receipt in receipts_in(queues)]
    assert stages == [("d1", "collected"), ("d2", "collected")]


def test_a_forged_encrypted_copy_is_gone_and_costs_no_other(
    queues: AgencyQueues, address: str
) -> None:
    """A message that ended the connection instead would come back for ever."""
    head, *rest = copy(9).body.split(b".")
    header = json.loads(base64.urlsafe_b64decode(head + b"=="))
    header["epk"]["crv"] = "unknown"
    forged = b".".join((base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"="), *rest))
    copies = [copy(1), replace(copy(9), body=forged), copy(2)]
    assert queues.publish(copies) == ["", "", ""]
    taken = []
    for _ in range(2):
        with QueueConsumer(address, STOKE, KEYS, by="Intake desk", wait=0) as consumer:
            for delivery in consumer:
                with delivery:
                    taken.append(delivery.id)
    assert taken == ["d1", "d2"]


def test_what_a_recall_follows_is_dropped_by_the_sdk(
    queues: AgencyQueues, address: str, tmp_path: Path
) -> None:
    recall = copy(2, kind="recall", follows="d1", version=2)
    queues.publish([copy(1), recall])
    for expected in (["d2"], []):
        taken = []
        consumer = QueueConsumer(address, STOKE, KEYS, by="Intake desk", wait=0)
        consumer.remember_in(tmp_path / "replaced")
        with consumer:
            for delivery in consumer:
                with delivery:
                    taken.append(delivery.id)
        assert taken == expected
        assert consumer.dropped == 1
        queues.publish([copy(1)])


def test_the_example_with_pika_takes_a_copy_and_answers_it(
    queues: AgencyQueues, open_channel: Any
) -> None:
    text = (ROOT / "docs" / "queue-wire.md").read_text(encoding="utf-8")
    names: dict[str, Any] = {}
    for source in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        exec(source, names)
    take = partial(names["take_by_pika"], open_channel(), STOKE, KEY_SET, ENCRYPTION_PEM)
    assert take() is None
    queues.publish([copy(7)])
    delivery = eventually(take)  # the broker does not wait until the message broker has it
    assert delivery["delivery"] == "d7"
    receipt = {"delivery": "d7", "stage": "acknowledged", "by": "A duty worker"}
    names["answer_by_pika"](open_channel(), STOKE, PEM, [receipt])
    assert receipts_in(queues) == [receipt]


def exchange_declare(channel: Any) -> None:
    channel.exchange_declare("stoke", durable=True)


DENIED = {
    "another's copies": lambda channel: channel.basic_get(f"agency.{SHROPSHIRE}"),
    "another's queue, emptied": lambda channel: channel.queue_purge(f"agency.{SHROPSHIRE}"),
    "a longer code": lambda channel: channel.basic_get(f"agency.{STOKE}2"),
    "receipts, read": lambda channel: channel.basic_get("receipts"),
    "its queue, declared": lambda channel: channel.queue_declare(f"agency.{STOKE}", durable=True),
    "its queue, deleted": lambda channel: channel.queue_delete(f"agency.{STOKE}"),
    "a queue of its own": lambda channel: channel.queue_declare("stoke", durable=True),
    "an exchange": exchange_declare,
    "a binding": lambda channel: channel.queue_bind(f"agency.{STOKE}", "receipts"),
    "another's queue, written": lambda channel: channel.basic_publish(
        "", f"agency.{SHROPSHIRE}", b"forged", mandatory=True
    ),
    "another exchange": lambda channel: channel.basic_publish("amq.topic", "x", b"forged"),
}


@pytest.mark.parametrize("act", DENIED.values(), ids=DENIED)
def test_an_agencys_user_can_do_nothing_else(
    queues: AgencyQueues, rabbit: RabbitMQ, open_channel: Any, act: Any
) -> None:
    queues.prepare(OrganisationCode(f"{STOKE}2"))
    channel = open_channel()
    channel.confirm_delivery()
    with pytest.raises((ChannelClosedByBroker, ChannelWrongStateError)) as denied:
        act(channel)
    assert denied.value.args[0] == 403
    assert "ACCESS_REFUSED" in str(denied.value)
    listed = rabbit.control("list_queues", "name", "messages").splitlines()
    assert f"agency.{SHROPSHIRE}\t0" in listed
    assert "stoke\t0" not in listed


def test_without_its_password_nobody_comes_in(address: str) -> None:
    wrong = address.replace("password-of-", "guess-of-")
    with pytest.raises(Exception, match="ACCESS_REFUSED"), Connection(wrong) as connection:
        connection.connect()


def test_the_password_that_everybody_knows_is_noticed(rabbit: RabbitMQ) -> None:
    assert not guest_may_enter(rabbit.url)
    assert "guest" in _users(rabbit.url)
    rabbit.control("add_user", "guest", said="guest")
    try:
        assert not guest_may_enter(rabbit.url)  # it has no rights in this virtual host
        rabbit.control("set_permissions", "guest", ".*", ".*", ".*")
        assert guest_may_enter(rabbit.url)
        with pytest.raises(Failed, match="guest"):
            _users(rabbit.url)
    finally:
        rabbit.control("delete_user", "guest")
    assert not guest_may_enter(rabbit.url)


def test_who_does_not_answer_lets_nobody_in() -> None:
    with pytest.raises(Unavailable):
        guest_may_enter("amqp://broker:secret@127.0.0.1:1//")
