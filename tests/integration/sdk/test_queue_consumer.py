"""The consume loop over a real Kombu queue: what arrives, what is answered, what survives."""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection, Producer, Queue
from referral_broker_client import Delivery, Unavailable
from referral_broker_client.queue_consumer import QueueConsumer
from referral_broker_client.queue_signatures import (
    AgencyKey,
    DecryptionKey,
    PinnedKeys,
    QueueKeys,
)

from broker.devstack.engines import Engines
from broker.domain.ids import OrganisationCode
from broker.transport.encryption import EncryptionKey, new_encryption_key
from broker.transport.exchange_users import add_user, address_for
from broker.transport.signatures import CopySigner, PublicKey, new_private_key, verify_receipts

SIGNER = CopySigner(new_private_key())
PEM = new_private_key()
PUBLIC = PublicKey.from_pem(PEM)
KEYS = QueueKeys(AgencyKey(PEM), PinnedKeys({"keys": [dict(SIGNER.public.jwk)]}))


def signed(body: bytes, *, agency: str = "stoke-csc", signer: CopySigner = SIGNER) -> bytes:
    """Sign a delivery as the broker does, if it is one."""
    value = json.loads(body)
    return signer.sign(
        body,
        agency=OrganisationCode(agency),
        delivery=value["delivery"],
        version=value.get("version", 1),
        now=datetime.now(UTC),
    )


def receipts_in(message: Any) -> list[dict[str, str]]:
    """Return the receipts of a message, verified as the broker does."""
    body = message.body if isinstance(message.body, bytes) else message.body.encode()
    verified = verify_receipts(body, key_of={PUBLIC.id: PUBLIC.raw}.get)
    assert verified.agency == "stoke-csc"
    return list(json.loads(verified.body)["receipts"])


class Exchange:
    """The broker's end of the queues, by hand."""

    def __init__(self, url: str) -> None:
        self._connection = Connection(url)
        self._producer = Producer(self._connection.default_channel)
        self._queue = Queue("agency.stoke-csc", durable=True)
        self._receipts = Queue("receipts", durable=True)

    def send(self, body: Any, *, content_type: str = "application/jose") -> None:
        raw = body if isinstance(body, bytes) else signed(json.dumps(body).encode())
        self._producer.publish(
            raw,
            exchange="",
            routing_key="agency.stoke-csc",
            content_type=content_type,
            content_encoding="utf-8",
            declare=[self._queue],
        )

    def push_raw(self, element: bytes) -> None:
        """Put something into the queue that is not even a message."""
        self._connection.default_channel.client.lpush("agency.stoke-csc", element)

    def waiting(self) -> int:
        return int(self._connection.default_channel.client.llen("agency.stoke-csc"))

    def messages(self) -> list[Any]:
        """Take every message of receipts."""
        bound = self._receipts(self._connection.default_channel)
        bound.declare()
        return list(iter(lambda: bound.get(no_ack=True), None))

    def receipts(self) -> list[dict[str, str]]:
        """Take every receipt."""
        return [receipt for message in self.messages() for receipt in receipts_in(message)]

    def close(self) -> None:
        self._connection.release()


@pytest.fixture
def exchange(engines: Engines) -> Iterator[Exchange]:
    engines.exchange.start()
    engines.exchange.wipe()
    end = Exchange(engines.exchange_url)
    yield end
    end.close()


def consumer(
    engines: Engines, *, wait: float = 0, memory: Path | None = None, keys: QueueKeys = KEYS
) -> QueueConsumer:
    """Return the agency's consumer, under a user of the exchange that is its own."""
    stoke, password = OrganisationCode("stoke-csc"), secrets.token_urlsafe(24)
    add_user(engines.exchange_url, stoke, password)
    url = address_for(engines.exchange_url, stoke, password)
    work = QueueConsumer(url, stoke, keys, by="Intake desk", wait=wait)
    if memory is not None:
        work.remember_in(memory)
    return work


def delivery(number: int, **changed: Any) -> dict[str, Any]:
    return {
        "delivery": f"d{number}",
        "referral": f"r{number}",
        "reference": f"REF/{number}",
        "publisher": "staffordshire-police",
        "agency": "stoke-csc",
        "attempt": 1,
        "role": "lead",
        "lease": {"id": f"l{number}", "until": "2026-12-18T17:00:00+00:00"},
        "content": {"children": [{"given_name": "Invented"}]},
        **changed,
    }


def take_all(work: QueueConsumer) -> list[Delivery]:
    taken = []
    with work:
        for offered in work:
            with offered:
                taken.append(offered)
    return taken


def test_a_clean_exit_says_collected_without_the_lease_of_the_push(
    engines: Engines, exchange: Exchange
) -> None:
    exchange.send(delivery(1))
    assert [offered.id for offered in take_all(consumer(engines))] == ["d1"]
    assert exchange.receipts() == [{"delivery": "d1", "stage": "collected", "by": "Intake desk"}]
    assert exchange.waiting() == 0


def test_receipts_are_signed_with_the_agencys_own_key(engines: Engines, exchange: Exchange) -> None:
    exchange.send(delivery(1))
    take_all(consumer(engines))
    (message,) = exchange.messages()
    assert receipts_in(message)[0]["delivery"] == "d1"


def forged_recall() -> dict[str, Any]:
    """Return a recall of a real delivery, as anybody could write it who knows its id."""
    return delivery(9, kind="recall", follows="d1", version=2, content={})


@pytest.mark.parametrize(
    "forged",
    [
        json.dumps(forged_recall()).encode(),
        signed(json.dumps(forged_recall()).encode(), signer=CopySigner(new_private_key())),
        signed(json.dumps(forged_recall()).encode(), agency="shropshire-csc"),
        signed(json.dumps(delivery(9, agency="shropshire-csc")).encode(), agency="shropshire-csc"),
    ],
    ids=["unsigned", "another key", "another audience", "another agency's copy"],
)
def test_a_forged_recall_is_never_handed_over(
    engines: Engines, exchange: Exchange, forged: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    exchange.send(forged)
    exchange.send(delivery(1))
    work = consumer(engines)
    assert [offered.id for offered in take_all(work)] == ["d1"]
    assert work.dropped == 1
    assert "dropped a message of stoke-csc" in caplog.text
    assert [receipt["delivery"] for receipt in exchange.receipts()] == ["d1"]


def test_what_a_settled_recall_replaced_does_not_come_back(
    engines: Engines, exchange: Exchange
) -> None:
    original = signed(json.dumps(delivery(1)).encode())
    exchange.send(original)
    recall = delivery(2, kind="recall", follows="d1", referral="r1", version=2, content={})
    work = consumer(engines, wait=1)
    seen = []
    with work:
        for offered in work:
            with offered:
                seen.append(offered.id)
                if offered.kind == "recall":
                    offered.destroyed()
            if seen == ["d1"]:
                exchange.send(recall)
            if len(seen) == 2:
                exchange.send(original)
                exchange.send(delivery(3))
            if "d3" in seen:
                break
    assert seen == ["d1", "d2", "d3"]
    assert work.dropped == 1


RECALL = delivery(2, kind="recall", follows="d1", referral="r1", version=2, content={})


def test_what_a_recall_in_the_same_batch_replaces_is_not_handed_over(
    engines: Engines, exchange: Exchange
) -> None:
    exchange.send(delivery(1))
    exchange.send(delivery(5, referral="r1", kind="correction", follows="d1", version=2))
    exchange.send(RECALL)
    exchange.send(delivery(3))
    work = consumer(engines)
    assert [offered.id for offered in take_all(work)] == ["d2", "d3"]
    assert work.dropped == 2
    assert exchange.waiting() == 0


def test_a_recall_of_one_part_leaves_the_agencys_other_part_of_the_referral_alone(
    engines: Engines, exchange: Exchange, tmp_path: Path
) -> None:
    """A child left the referral, or its council; another child of it is still theirs."""
    original = delivery(1)
    exchange.send(original)
    exchange.send(delivery(2, referral="r1"))
    recall = delivery(3, kind="recall", follows="d1", referral="r1", version=2, content={})
    exchange.send({**recall, "recall_reason": "no_longer_addressed"})
    exchange.send(delivery(4, referral="r1", kind="correction", follows="d2", version=2))
    memory = tmp_path / "replaced"
    taken = take_all(consumer(engines, memory=memory))
    assert [offered.id for offered in taken] == ["d2", "d3", "d4"]
    exchange.send(original)
    exchange.send(delivery(5, referral="r1", kind="correction", follows="d4", version=3))
    assert [offered.id for offered in take_all(consumer(engines, memory=memory))] == ["d5"]


class Unreachable:
    """A message whose message broker went away after it had arrived."""

    def reject(self) -> None:
        raise ConnectionResetError


class Cut(QueueConsumer):
    """A consumer whose connection breaks after a batch with a recall."""

    def _fill(self) -> None:
        for value in (delivery(1), RECALL):
            offered = Delivery.from_json(value, holder=self, by="Intake")
            self._in_hand[offered] = Unreachable()
            self._arrived.append(offered)


def test_a_connection_that_breaks_while_recalled_copies_are_dropped_is_unavailable(
    engines: Engines,
) -> None:
    work = Cut(engines.exchange_url, "stoke-csc", KEYS, by="Intake", wait=0)
    with pytest.raises(Unavailable):
        next(iter(work))


def test_a_restarted_process_and_another_one_remember_what_was_recalled(
    engines: Engines, exchange: Exchange, tmp_path: Path
) -> None:
    memory = tmp_path / "replaced"
    other = QueueConsumer(engines.exchange_url, "stoke-csc", KEYS, by="Night desk", wait=0)
    other.remember_in(memory)
    exchange.send(RECALL)
    assert [offered.id for offered in take_all(consumer(engines, memory=memory))] == ["d2"]
    for work in (other, consumer(engines, memory=memory)):
        exchange.send(delivery(1))
        assert take_all(work) == []
        assert work.dropped == 1
    assert [receipt["delivery"] for receipt in exchange.receipts()] == ["d2"]
    exchange.send(delivery(1))
    assert [offered.id for offered in take_all(consumer(engines))] == ["d1"]


def test_the_memory_holds_ids_alone(engines: Engines, exchange: Exchange, tmp_path: Path) -> None:
    memory = tmp_path / "replaced"
    exchange.send(RECALL)
    take_all(consumer(engines, memory=memory))
    with sqlite3.connect(memory) as database:
        assert [row[0] for row in database.execute("select name from replaced")] == ["recall r1"]
    database.close()


def test_what_a_settled_correction_replaced_is_collected_and_not_handed_over(
    engines: Engines, exchange: Exchange, tmp_path: Path
) -> None:
    memory = tmp_path / "replaced"
    exchange.send(delivery(2, kind="correction", follows="d1", referral="r1", version=2))
    take_all(consumer(engines, memory=memory))
    exchange.send(delivery(1))
    assert take_all(consumer(engines, memory=memory)) == []
    receipts = [(receipt["delivery"], receipt["stage"]) for receipt in exchange.receipts()]
    assert receipts == [("d2", "collected"), ("d1", "collected")]


def test_an_encrypted_copy_is_read_with_any_of_the_agencys_keys(
    engines: Engines, exchange: Exchange
) -> None:
    old, new, foreign = new_encryption_key(), new_encryption_key(), new_encryption_key()
    for number, pem in enumerate((old, new, foreign), start=1):
        copy = signed(json.dumps(delivery(number)).encode())
        exchange.send(EncryptionKey.from_pem(pem).encrypt(copy))
    keys = replace(KEYS, decryption=(DecryptionKey(new), DecryptionKey(old)))
    work = consumer(engines, keys=keys)
    assert [offered.id for offered in take_all(work)] == ["d1", "d2"]
    assert work.dropped == 1


def with_header(copy: bytes, header: bytes | dict[str, Any]) -> bytes:
    """Return an encrypted copy with another protected header."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return b".".join((base64.urlsafe_b64encode(raw).rstrip(b"="), *copy.split(b".")[1:]))


@pytest.mark.parametrize(
    "ephemeral",
    [{"crv": "unknown"}, {"kty": "EC"}, {"x": 5}, None],
    ids=["unknown curve", "another type", "no text", "nested"],
)
def test_an_encrypted_copy_that_anybody_may_have_made_costs_no_other(
    engines: Engines, exchange: Exchange, ephemeral: dict[str, Any] | None
) -> None:
    """Whoever knows the agency's public key can encrypt to it: the header may hold anything."""
    pem = new_encryption_key()
    copy = EncryptionKey.from_pem(pem).encrypt(signed(json.dumps(delivery(9)).encode()))
    header = json.loads(base64.urlsafe_b64decode(copy.split(b".")[0] + b"=="))
    changed = {**header, "epk": {**header["epk"], **(ephemeral or {})}}
    nested = b'{"alg":' + b"[" * 1500
    exchange.send(delivery(1))
    exchange.send(with_header(copy, nested if ephemeral is None else changed))
    exchange.send(delivery(2))
    work = consumer(engines, keys=replace(KEYS, decryption=(DecryptionKey(pem),)))
    assert [offered.id for offered in take_all(work)] == ["d1", "d2"]
    assert work.dropped == 1


def test_answers_of_a_batch_share_a_message(engines: Engines, exchange: Exchange) -> None:
    for number in range(10):
        exchange.send(delivery(number))
    take_all(consumer(engines))
    messages = exchange.messages()
    assert sum(len(receipts_in(message)) for message in messages) == 10
    assert len(messages) < 10


@pytest.mark.parametrize(
    "garbage",
    [
        b"not json",
        b"[]",
        b"{}",
        b"null",
        b"[" * 100_000,
        b"\xff\xfe",
        signed(json.dumps(delivery(9, agency="glasgow-sw")).encode(), agency="glasgow-sw"),
        signed(json.dumps(delivery(9, deadlines={"decide_by": "soon"})).encode()),
    ],
)
def test_garbage_is_dropped_with_a_warning_that_holds_nothing_of_it(
    engines: Engines, exchange: Exchange, garbage: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    exchange.send(garbage)
    exchange.send(delivery(1))
    assert [offered.id for offered in take_all(consumer(engines))] == ["d1"]
    assert exchange.waiting() == 0
    assert "is no delivery of its own" in caplog.text
    assert "Invented" not in caplog.text
    assert "soon" not in caplog.text


@pytest.mark.parametrize("element", [b"garbage", b"{}", b"[1]", b'{"body": "x", "properties": {}}'])
def test_an_element_that_is_not_even_a_message_does_not_end_the_loop(
    engines: Engines, exchange: Exchange, element: bytes
) -> None:
    exchange.send(delivery(1))
    exchange.push_raw(element)
    exchange.send(delivery(2))
    seen: set[str] = set()
    with consumer(engines, wait=1) as work:
        for offered in work:
            with offered:
                seen.add(offered.id)
            if seen == {"d1", "d2"}:
                break
    assert {receipt["delivery"] for receipt in exchange.receipts()} == {"d1", "d2"}


def test_an_error_puts_everything_back(engines: Engines, exchange: Exchange) -> None:
    exchange.send(delivery(1))
    exchange.send(delivery(2))

    def fail_on_the_first() -> None:
        with consumer(engines) as work:
            for offered in work:
                with offered:
                    raise RuntimeError

    with pytest.raises(RuntimeError):
        fail_on_the_first()
    assert exchange.receipts() == []
    assert {offered.id for offered in take_all(consumer(engines))} == {"d1", "d2"}


def test_sigterm_finishes_the_one_in_hand_and_puts_back_the_rest(
    engines: Engines, exchange: Exchange
) -> None:
    exchange.send(delivery(1))
    exchange.send(delivery(2))
    with consumer(engines, wait=20) as work:
        for offered in work:
            with offered:
                os.kill(os.getpid(), signal.SIGTERM)
    assert len(exchange.receipts()) == 1
    assert exchange.waiting() == 1


def test_an_exchange_that_comes_back_is_consumed_again(
    engines: Engines, exchange: Exchange
) -> None:
    exchange.send(delivery(1))
    with consumer(engines, wait=1) as work:
        seen = []
        for offered in work:
            with offered:
                seen.append(offered.id)
                if len(seen) == 1:
                    engines.exchange.kill()
            if len(seen) == 1:
                engines.exchange.start()
                Exchange(engines.exchange_url).send(delivery(2))
            if "d2" in seen:
                break
    answered = {receipt["delivery"] for receipt in Exchange(engines.exchange_url).receipts()}
    assert answered == {"d1", "d2"}


def test_an_exchange_that_is_away_is_unavailable(engines: Engines) -> None:
    work = QueueConsumer("redis://127.0.0.1:9/0", "stoke-csc", KEYS, by="Desk", wait=0)
    with pytest.raises(Unavailable), work:
        list(work)


OF_A_PART = RECALL | {"recall_reason": "no_longer_addressed", "recalls": ["d0", "d1"]}


def test_a_recall_of_one_part_leaves_the_others_of_its_referral(
    engines: Engines, exchange: Exchange, tmp_path: Path
) -> None:
    """The agency had placed the child by mistake, and leads for another one all the same."""
    memory = tmp_path / "replaced"
    for number in (0, 1, 7):
        exchange.send(delivery(number, referral="r1"))
    exchange.send(OF_A_PART)
    assert [offered.id for offered in take_all(consumer(engines, memory=memory))] == ["d7", "d2"]
    for number in (0, 1, 8):
        exchange.send(delivery(number, referral="r1"))
    work = consumer(engines, memory=memory)
    assert [offered.id for offered in take_all(work)] == ["d8"]
    assert work.dropped == 2


def test_a_recall_of_an_older_broker_says_what_it_follows(
    engines: Engines, exchange: Exchange
) -> None:
    older = {name: value for name, value in OF_A_PART.items() if name != "recalls"}
    for offered in (delivery(1), delivery(7, referral="r1"), older):
        exchange.send(offered)
    assert [offered.id for offered in take_all(consumer(engines))] == ["d7", "d2"]


def open_files(path: Path) -> list[str]:
    return [
        link
        for descriptor in Path("/proc/self/fd").iterdir()
        if descriptor.is_symlink() and (link := os.path.realpath(descriptor)) == str(path)
    ]


def test_closing_closes_the_memory_too(
    engines: Engines, exchange: Exchange, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    work = consumer(engines, memory=first)
    assert open_files(first)
    work.remember_in(second)
    assert not open_files(first)
    exchange.send(RECALL)
    assert [offered.id for offered in take_all(work)] == ["d2"]
    assert not open_files(second)
    work.close()  # once more is harmless
    with sqlite3.connect(second) as database:
        assert database.execute("select name from replaced").fetchall() == [("recall r1",)]
    database.close()
