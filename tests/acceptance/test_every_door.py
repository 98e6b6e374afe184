"""Nothing outside a recipient's view occurs in anything that it gets, by whatever door."""

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import fields
from datetime import datetime, timedelta
from random import Random
from typing import Any

import psycopg
from referral_broker_client import Consumer

from broker.devstack.sample_referrals import generate
from broker.domain.ids import LeaseId
from broker.flow.context import Context
from broker.flow.notify import written
from tests.acceptance.conftest import World
from tests.acceptance.test_versions import send
from tests.integration.gateway.conftest import listening
from tests.integration.gateway.test_no_leak import in_valkey
from tests.unit.cli.conftest import Run, run
from tests.unit.policy.test_disclosed_metadata import mutated

__all__ = ["run"]

SCOPES = """
select delivery.id, delivery.agency, delivery.view, delivery_reason.scope, referral.reference,
       delivery.version
from delivery
join delivery_reason on delivery_reason.delivery = delivery.id
join referral on referral.id = delivery.referral
"""
NAMED = {
    "children": ("given_name", "family_name", "voice"),
    "persons_posing_risk": ("given_name", "family_name", "offence_history"),
}
"""The fields that bear marks, each of which a view shows or does not."""
MARK = re.compile(r"[ZY]\d+q[a-z]+\d*")
COUNT = 25


def documents(at: datetime, count: int) -> list[dict[str, Any]]:
    """Return generated referrals whose people bear marks that occur nowhere else."""
    random = Random(1313)
    made = []
    for number, generated in enumerate(generate(1313, count, now=at)):
        text = json.dumps(mutated(generated, random)).replace('"Z', f'"Z{number}q')
        made.append({**json.loads(text), "reference": f"DOOR/{number}"})
    return made


def revised(document: dict[str, Any]) -> dict[str, Any]:
    """Return another version, in which every mark is another."""
    return dict(json.loads(json.dumps(copy.deepcopy(document)).replace('"Z', '"Y')))


def marks_in(value: Any) -> set[str]:
    if isinstance(value, dict):
        return {mark for part in value.values() for mark in marks_in(part)}
    return {value} if isinstance(value, str) and value[:1] in {"Z", "Y"} else set()


def marks_of(document: dict[str, Any], scope: Any, shows: Any) -> Iterator[str]:
    """Yield the marks of a document that a delivery of this scope and view may bear."""
    seen = {*scope.get("children", ()), *scope.get("persons", ())}
    for group, names in NAMED.items():
        for person in document.get(group, ()):
            if person["id"] in seen and group in shows:
                shown = [name for name in names if not shows[group] or name in shows[group]]
                yield from (mark for name in shown for mark in marks_in(person.get(name)))


def every_mark(document: dict[str, Any]) -> set[str]:
    people = [person for group in NAMED for person in document.get(group, ())]
    return {mark for person in people for mark in marks_in(person)}


class Doors:
    """Everything by which an agency gets something: each method returns texts."""

    def __init__(self, world: World, context: Context, run: Run, url: str) -> None:
        self.world, self.context, self.run, self.url = world, context, run, url
        self._queued: dict[str, str] = {}

    def through(self, agency: str, number: int) -> str:
        """Return what waits for an agency, through one of the doors; the next number, the next."""
        doors = (self.http, self.printed, self.lines, self.client)
        return doors[number % len(doors)](agency)

    def http(self, agency: str) -> str:
        return json.dumps(self.world.collect(agency))

    def printed(self, agency: str) -> str:
        return self._command(agency)

    def lines(self, agency: str) -> str:
        return self._command(agency, "--json")

    def client(self, agency: str) -> str:
        texts = []
        key = self._environment(agency)["BROKER_KEY"]
        with Consumer(self.url, key, by="software", wait=0) as consumer:
            for delivery in consumer:
                with delivery:
                    parts = [getattr(delivery, part.name) for part in fields(delivery)]
                    texts.append(json.dumps([*parts, repr(delivery)], default=str))
        return "".join(texts)

    def shown(self, agency: str, deliveries: list[str]) -> str:
        """Return each delivery as its agency looks at it, and what it is told of the others."""
        headers = self.world.headers(agency, "collect")
        get = self.world.client.get
        return "".join(get(f"/v1/deliveries/{id_}", headers=headers).text for id_ in deliveries)

    def queue(self, agency: str) -> str:
        """Return the copies that came to an agency's queue since the last time."""
        text = in_valkey(self.context.settings.exchange_url).get(f"agency.{agency}", "")
        fresh = text.removesuffix(self._queued.get(agency, ""))
        self._queued[agency] = text
        return fresh

    def notices(self) -> str:
        """Return every notice as it would be sent: by mail, webhook or command."""
        lease = LeaseId(self.context.new_id())
        due = self.context.ledger.alarms.claim_notices(
            10_000, lease=lease, lease_for=timedelta(minutes=1), now=self.context.clock()
        )
        directory = self.context.policies.latest().directory
        messages = [written(notice, directory, "https://broker.example.org") for notice in due]
        assert messages
        return "".join(f"{message.subject}{message.text}{message.data}" for message in messages)

    def _command(self, agency: str, *options: str) -> str:
        done = self.run("collect", "--max", "1000", *options, **self._environment(agency))
        assert done.code == 0, done.err
        return done.out + done.err

    def _environment(self, agency: str) -> dict[str, str]:
        key = self.world.headers(agency, "collect")["Authorization"].removeprefix("Bearer ")
        return {"BROKER_URL": self.url, "BROKER_KEY": key}


def legs(context: Context) -> list[tuple[str, str, str, Any, str, int]]:
    """Return id, agency, view, scope, reference and version of every delivery."""
    with psycopg.connect(context.settings.database_url) as connection:
        return connection.execute(SCOPES).fetchall()


def allowed(
    context: Context, versions: dict[tuple[str, int], dict[str, Any]]
) -> dict[str, set[str]]:
    """Return which marks each agency may be shown, by what routing gave it of each version."""
    views = context.policies.latest().views
    marks: dict[str, set[str]] = {}
    for _, agency, view, scope, reference, version in legs(context):
        shown = marks_of(versions[reference, version], scope, views[view].shows)
        marks.setdefault(agency, set()).update(shown)
    return marks


def test_nothing_outside_a_view_comes_through_any_door(
    world: World, context: Context, run: Run
) -> None:
    world.at("2027-04-07 10:00")
    made = documents(world.clock.now, COUNT)
    versions = {(document["reference"], 1): document for document in made}
    receipts = [world.hand_in(document) for document in made]
    world.drain()
    got: dict[str, str] = {}
    with listening(context) as url:
        doors = Doors(world, context, run, url)

        def collect() -> None:
            by_agency: dict[str, list[str]] = {}
            for id_, agency, *_ in legs(context):
                by_agency.setdefault(agency, []).append(str(id_))
            every = [id_ for ids in by_agency.values() for id_ in ids]
            for number, (agency, ids) in enumerate(sorted(by_agency.items())):
                texts = (doors.through(agency, number + len(versions)), doors.queue(agency))
                others = [id_ for id_ in every if id_ not in ids][:3]
                got[agency] = "".join(
                    [got.get(agency, ""), *texts, doors.shown(agency, ids + others)]
                )

        def check() -> int:
            may = allowed(context, versions)
            marks = {mark for document in versions.values() for mark in every_mark(document)}
            for agency, text in got.items():
                seen = set(MARK.findall(text)) & marks
                assert seen <= may[agency], (agency, sorted(seen - may[agency])[:5])
            return sum(bool(set(MARK.findall(text)) & marks) for text in got.values())

        collect()
        assert check() > 5
        for receipt, document in zip(receipts, made, strict=True):
            versions[document["reference"], 2] = revised(document)
            send(world, receipt, revised(document))
        world.drain()
        collect()
        assert check() > 5
        got.clear()
        for receipt in receipts:
            body = {"reason": "wrong_person", "by": "DS Farlow"}
            path = f"/v1/referrals/{receipt['id']}/recall"
            world.client.post(path, json=body, headers=world.police)
        world.drain()
        world.clock.advance(minutes=10)  # what a busy exchange deferred is sent by now
        world.drain()
        collect()
        marks = {mark for document in versions.values() for mark in every_mark(document)}
        # A signature in base64 may look like a mark, and is none of theirs.
        left = {agency: set(MARK.findall(text)) & marks for agency, text in got.items()}
        assert {agency: found for agency, found in left.items() if found} == {}
        world.clock.advance(days=20)
        for _ in range(5):
            world.watch()
        assert not MARK.search(doors.notices())


def test_an_agency_is_shown_no_history_and_no_other_publishers_view(
    world: World, context: Context
) -> None:
    world.at("2027-04-07 10:00")
    (document,) = documents(world.clock.now, 1)
    receipt = world.hand_in(document)
    world.drain()
    (leg, *_) = world.status(receipt)["deliveries"]
    headers = world.headers(leg["agency"], "collect")
    paths = ("", "/timeline")
    for path in paths:
        answer = world.client.get(f"/v1/referrals/{receipt['id']}{path}", headers=headers)
        assert answer.status_code == 403
        assert not MARK.search(answer.text)
    for call in ("events", "embargoes", "attention", "refusals", "reconciliations"):
        answer = world.client.get(f"/v1/{call}", headers=headers)
        assert (answer.status_code, MARK.search(answer.text)) == (403, None)
    receipts = {
        "receipts": [{"delivery": leg["id"], "stage": "decided", "by": "A", "outcome": "x"}]
    }
    answer = world.client.post("/v1/receipts", json=receipts, headers=headers)
    assert not MARK.search(answer.text)
