"""The broker under measurement: its processes over a database of its own, and what is checked."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import orjson

from benchmarks import post, world
from benchmarks.payload import PUBLISHER, rotated
from benchmarks.post import Answer
from benchmarks.recipients import recipients
from benchmarks.world import HOST, PROCESSES, World
from broker.admin import api_keys
from broker.admin.publish_policy import publish
from broker.bootstrap import new_uuid7, utc_now
from broker.channels.registry import CHANNELS
from broker.devstack.engines import as_application
from broker.domain.codes import Scope
from broker.domain.ids import OrganisationCode, ReferralId
from broker.domain.referral import NewReferral
from broker.ledger.ledger import Ledger
from broker.ledger.migrate import migrate
from broker.policy.published.policy import documents_from
from broker.shipped import POLICY
from broker.transport.signatures import new_private_key
from schemas import documents

CONNECTIONS = 16
BULK_LINES = 500
BULK_CONNECTIONS = 4
WARM = 400
"""Referrals that go through before anything is timed: policy read, caches filled."""
_AT_ONCE = 200
_CHANNEL = re.compile(r"\bchannel: (mailbox|queue)\b")


@dataclass(frozen=True, slots=True)
class Ours:
    """A broker whose ledger is ready: migrated, with a policy."""

    world: World
    dsn: str

    @classmethod
    def fresh(cls, world: World, name: str, *, channel: str = "mailbox") -> Ours:
        """Make a ledger whose agencies are all reached by one channel."""
        world.wipe()
        return cls(world, world.database(name, _MAKERS[channel]))

    @contextmanager
    def worker(self) -> Iterator[None]:
        """Run one worker with two processes."""
        context = [sys.executable, "-m", "broker", "worker", f"--concurrency={PROCESSES}"]
        with self.world.processes([context], self.environment):
            yield

    @contextmanager
    def running(self) -> Iterator[str]:
        """Run a gateway and a worker; give the gateway's address."""
        with self.worker(), self.gateway() as url:
            yield url

    @contextmanager
    def gateway(self) -> Iterator[str]:
        """Run a gateway; give its address."""
        port = world.free_port()
        serve = [sys.executable, "-m", "broker", "serve", "--host", HOST, "--port", str(port)]
        with self.world.processes([serve], self.environment):
            url = f"http://{HOST}:{port}"
            self.world.until_ready(f"{url}/readyz")
            yield url

    def keys(self, organisation: str, scope: Scope, count: int = 1) -> list[str]:
        """Issue keys; a key may make 200 calls a second, so fast callers share out several."""
        with Ledger.open(self.dsn, application_name="bench") as ledger:
            return [
                api_keys.issue(
                    ledger, OrganisationCode(organisation), [scope], label="bench", now=utc_now()
                )
                for _ in range(count)
            ]

    def publishing(self, count: int = CONNECTIONS) -> list[str]:
        """Issue keys for the publisher, one a connection."""
        return self.keys(PUBLISHER, Scope.PUBLISH, count)

    def fill(self, bodies: Mapping[str, bytes]) -> None:
        """Accept referrals, with no gateway between."""
        new = [_new(reference, body) for reference, body in bodies.items()]
        with Ledger.open(self.dsn, application_name="bench") as ledger:
            for start in range(0, len(new), _AT_ONCE):
                ledger.referrals.accept(new[start : start + _AT_ONCE])

    def settle(self) -> None:
        """Let autovacuum's work be done beforehand, so that it disturbs no figure."""
        world.vacuum(self.dsn)

    def until_routed(self) -> None:
        """Wait until nothing waits for routing."""
        waits = "select exists (select from referral where next_attempt_at is not null)"
        self.world.until(lambda: not world.rows(self.dsn, waits)[0][0])

    def warm_up(self, url: str, key: str) -> None:
        """Send some referrals through and wait for them."""
        bodies = rotated("WARM", WARM)
        post.send(url, "/v1/referrals/bulk", list(post.chunks(bodies, 50)), [key], post.NDJSON)
        self.until_routed()
        self.world.until_quiet()

    def verify_routed(self, bodies: Mapping[str, bytes]) -> None:
        """Raise unless exactly these are routed, each with its deliveries; or for nobody."""
        found = world.rows(
            self.dsn,
            "select reference, referral.state, count(distinct agency), count(delivery.id)"
            " from referral left join delivery on delivery.referral = referral.id"
            " where reference like %s group by reference, referral.state",
            _like(bodies),
        )
        expected = {(reference, *_routed(body)) for reference, body in bodies.items()}
        must_be_equal("routed referrals", {tuple(row) for row in found}, expected)

    def verify_receipts(self, receipts: Mapping[str, str]) -> None:
        """Raise unless each reference has the id in the ledger that its receipt names."""
        found = world.rows(
            self.dsn,
            "select reference, id::text from referral where reference like %s",
            _like(receipts),
        )
        must_be_equal("receipts", dict(found), dict(receipts))

    @property
    def command_environment(self) -> dict[str, str]:
        """The environment of a command that an operator runs, as the ledger's owner."""
        inherited = {name: value for name, value in os.environ.items() if "BROKER_" not in name}
        return {**inherited, **self.environment, "BROKER_DATABASE_URL": self.dsn}

    @property
    def environment(self) -> dict[str, str]:
        """The settings of its processes."""
        engines = self.world.engines
        return {
            "BROKER_DATABASE_URL": as_application(self.dsn),
            "BROKER_WAKEUP_URL": engines.wakeup_url,
            "BROKER_EXCHANGE_URL": engines.exchange_url,
            "BROKER_SIGNING_KEY": new_private_key(),
            "BROKER_LOG_LEVEL": "error",
        }


def receipts_of(answers: Sequence[Answer]) -> dict[str, str]:
    """Return the ids that publishers were given, by reference."""
    told = [orjson.loads(answer.body) for answer in answers]
    return {answer["reference"]: answer["id"] for answer in told}


def bulk_receipts_of(answers: Sequence[Answer]) -> dict[str, str]:
    """Return the ids that publishers were given in bulk, by reference."""
    lines = [orjson.loads(line) for answer in answers for line in answer.body.splitlines()]
    return {line["receipt"]["reference"]: line["receipt"]["id"] for line in lines}


def must_be_equal(what: str, found: object, expected: object) -> None:
    """Raise unless two collections of ids are the same: no figure counts without."""
    if found != expected:
        raise post.Unexpected(f"The ids do not add up: {what} are not what was sent.")


def _routed(body: bytes) -> tuple[str, int, int]:
    """Return the state, the agencies and the deliveries of a referral when it is routed."""
    agencies = recipients(orjson.loads(body))
    return "routed" if agencies else "unroutable", len(set(agencies)), len(agencies)


def _like(references: Collection[str]) -> str:
    """Return the pattern of a scenario's references: what nobody sent must not be there either."""
    return f"{next(iter(references)).rpartition('-')[0]}-%"


def mailbox(dsn: str) -> None:
    """Make a ledger whose agencies all collect."""
    _make(dsn, "mailbox")


def queue(dsn: str) -> None:
    """Make a ledger whose agencies all have a queue of their own."""
    _make(dsn, "queue")


_MAKERS = {"mailbox": mailbox, "queue": queue}


def _make(dsn: str, channel: str) -> None:
    migrate(dsn)
    policy = {
        file: _CHANNEL.sub(f"channel: {channel}", text)
        for file, text in documents_from(POLICY).items()
    }
    with Ledger.open(dsn, application_name="bench") as ledger:
        publish(ledger, policy, now=utc_now(), channels=CHANNELS.forms)


def _new(reference: str, body: bytes) -> NewReferral:
    return NewReferral(
        id=ReferralId(new_uuid7()),
        publisher=OrganisationCode(PUBLISHER),
        reference=reference,
        idempotency_key=None,
        digest=documents.read(body).digest,
        body=body,
        accepted_at=utc_now(),
        actor="bench",
    )
