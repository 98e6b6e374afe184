"""An organisation is changed on its own, and every process judges by it within a second."""

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.errors import ObjectNotInPrerequisiteState, RaiseException

from broker.admin.directory_changes import DirectoryChanges
from broker.admin.publish_policy import publish
from broker.channels.registry import CHANNELS
from broker.domain.ids import OrganisationCode
from broker.errors import Conflict, Invalid, NotFound
from broker.flow.context import Context
from broker.flow.due_organisations import start_due
from broker.flow.policy_cache import PolicyCache
from broker.flow.sweep import Sweeper
from broker.ledger.directory import ChangeContext, NewVersion
from broker.policy.published.policy import documents_from
from tests.conftest import POLICIES, FixedClock
from tests.directory_rows import entries, rules_alone

STOKE = OrganisationCode("stoke-csc")
NEW = OrganisationCode("school-900077")
SCHOOL = {**entries()[OrganisationCode("school-900001")], "urn": "900077", "name": "New School"}


@pytest.fixture
def changes(context: Context) -> DirectoryChanges:
    return DirectoryChanges(context.ledger, context.policies)


@pytest.fixture
def by(clock: FixedClock) -> Callable[..., ChangeContext]:
    """Return who changes something now."""

    def made(**more: Any) -> ChangeContext:
        return ChangeContext("person:Jo Bloggs", "New telephone.", clock(), **more)

    return made


def stoke(**change: Any) -> dict[str, Any]:
    return {**entries()[STOKE], **change}


def telephone(number: str) -> dict[str, Any]:
    contacts = entries()[STOKE]["contacts"]
    return stoke(contacts={**contacts, "duty": {**contacts["duty"], "telephone": number}})


def written(context: Context, query: str) -> list[Any]:
    with psycopg.connect(context.settings.database_url) as connection:
        return connection.execute(query.encode()).fetchall()


def test_a_change_is_rows_and_an_event_and_a_version_of_the_policy(
    changes: DirectoryChanges, context: Context, by: Any, clock: FixedClock
) -> None:
    before = context.policies.latest()

    made = changes.put(STOKE, stoke(name="Stoke (renamed)"), by(), expected=0)

    after = context.policies.latest()
    assert (made.version, made.is_new, made.starts_at) == (1, True, clock())
    assert made.policy_version == after.version == f"{before.version}.1"
    assert after.directory.organisation_name(STOKE) == "Stoke (renamed)"
    assert after.directory.revision == 1
    assert context.policies.version(before.version) is before
    assert written(context, "select code, version, actor, reason from organisation_version") == [
        (STOKE, 1, "person:Jo Bloggs", "New telephone.")
    ]
    assert written(context, "select revision, code, version from directory_revision") == [
        (1, STOKE, 1)
    ]
    assert written(context, "select version, based_on, revision from policy_revision") == [
        (after.version, before.version, 1)
    ]
    assert written(
        context,
        "select kind, agency, actor, data from event where kind = 'organisation.changed'",
    ) == [("organisation.changed", STOKE, "person:Jo Bloggs", {"version": 1, "revision": 1})]
    assert written(context, "select name from organisation where code = 'stoke-csc'") == [
        ("Stoke (renamed)",)
    ]
    assert [known.version for known in context.ledger.policies.policies(limit=9)] == [
        before.version
    ]


def test_the_same_again_changes_nothing(
    changes: DirectoryChanges, context: Context, by: Any
) -> None:
    first = changes.put(STOKE, telephone("01632 960999"), by(), expected=0)
    again = changes.put(STOKE, telephone("01632 960999"), by(), expected=0)

    assert (first.is_new, again.is_new) == (True, False)
    assert (again.version, again.policy_version) == (1, first.policy_version)
    assert written(context, "select count(*) from organisation_version") == [(1,)]


def test_who_did_not_see_the_last_version_changes_nothing(
    changes: DirectoryChanges, context: Context, by: Any
) -> None:
    changes.put(STOKE, telephone("01632 960999"), by(), expected=0)
    for expected in (0, 2, None):
        with pytest.raises(Conflict):
            changes.put(STOKE, telephone("01632 960998"), by(), expected=expected)
    with pytest.raises(NotFound):
        changes.put(NEW, SCHOOL, by(), expected=0)
    with pytest.raises(Conflict):
        changes.put(OrganisationCode("shropshire-csc"), stoke(), by(), expected=None)

    assert written(context, "select count(*) from organisation_version") == [(1,)]
    assert changes.put(STOKE, telephone("01632 960998"), by(), expected=1).version == 2


def test_one_of_two_at_the_same_time_wins(
    changes: DirectoryChanges, context: Context, by: Any
) -> None:
    def change(number: int) -> str:
        try:
            changes.put(STOKE, telephone(f"01632 96099{number}"), by(), expected=0)
        except Conflict:
            return "refused"
        return "changed"

    with ThreadPoolExecutor(4) as threads:
        results = sorted(threads.map(change, range(4)))

    assert results == ["changed", "refused", "refused", "refused"]
    assert written(context, "select revision from directory_head") == [(1,)]


def test_changes_of_others_at_the_same_time_all_count(
    changes: DirectoryChanges, context: Context, by: Any
) -> None:
    shipped = entries()
    codes = [code for code, entry in shipped.items() if entry["kind"] == "school"]

    def change(code: OrganisationCode) -> None:
        changes.put(code, {**shipped[code], "name": f"{code} renamed"}, by(), expected=0)

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(change, codes))

    names = context.policies.refreshed().directory.names
    assert [names[code] for code in codes] == [f"{code} renamed" for code in codes]
    assert written(context, "select count(*), max(revision) from directory_revision") == [
        (len(codes), len(codes))
    ]


def test_what_is_wrong_is_named_and_nothing_is_written(
    changes: DirectoryChanges, context: Context, by: Any
) -> None:
    wrong = {
        "form": stoke(colour="blue", contacts={"duty": {"email": 7}}),
        "an address": stoke(contacts={"duty": {"email": "nobody"}}),
        "nobody to alert": stoke(contacts={"duty": {"telephone": "01632 960123"}}),
        "a gap": stoke(until="2027-06-30"),
    }
    pointers = {}
    for name, document in wrong.items():
        with pytest.raises(Invalid) as refused:
            changes.put(STOKE, document, by(), expected=0)
        pointers[name] = sorted({fault.pointer for fault in refused.value.faults})

    assert pointers == {
        "form": ["organisation stoke-csc /colour", "organisation stoke-csc /contacts/duty/email"],
        "an address": ["organisation stoke-csc /contacts/duty/email"],
        "nobody to alert": ["organisation stoke-csc"],
        "a gap": ["organisation stoke-csc"],
    }
    assert written(context, "select count(*) from organisation_version") == [(0,)]


def test_a_reason_that_cannot_be_kept_is_refused(
    changes: DirectoryChanges, context: Context, clock: FixedClock
) -> None:
    for reason in (" ", "x" * 501):
        with pytest.raises(Invalid):
            by = ChangeContext("person:Jo Bloggs", reason, clock())
            changes.put(STOKE, stoke(name="X"), by, expected=0)
    assert written(context, "select count(*) from organisation_version") == [(0,)]


def test_history_cannot_be_altered(changes: DirectoryChanges, context: Context, by: Any) -> None:
    changes.put(STOKE, telephone("01632 960999"), by(), expected=0)
    for table in ("organisation_version", "directory_revision", "policy_revision"):
        with pytest.raises((psycopg.Error, RaiseException, ObjectNotInPrerequisiteState)):
            written(context, f"delete from {table}")


def test_a_version_for_later_counts_from_its_start(
    changes: DirectoryChanges, context: Context, by: Any, clock: FixedClock
) -> None:
    starts_at = clock() + timedelta(hours=2)
    later = changes.put(STOKE, stoke(name="Later"), by(starts_at=starts_at), expected=0)
    now = changes.put(STOKE, stoke(name="Now"), by(), expected=1)
    ledger = context.ledger

    assert (later.starts_at, now.policy_version[-2:]) == (starts_at, ".1")
    assert context.policies.refreshed().directory.organisation_name(STOKE) == "Now"
    assert ledger.directory.due_versions(now=clock()) == []
    start_due(context, now=clock())
    clock.advance(hours=2)
    due = ledger.directory.due_versions(now=clock())
    assert [(version.code, version.version) for version in due] == [(STOKE, 1)]
    assert not ledger.directory.start_due(due, {}, judged_by=later.policy_version, now=clock())
    start_due(context, now=clock())
    start_due(context, now=clock())
    assert ledger.directory.due_versions(now=clock()) == []

    directory = context.policies.refreshed().directory
    assert (directory.organisation_name(STOKE), directory.revision) == ("Later", 2)
    assert [version.revision for version in changes.versions(STOKE)] == [1, 2]
    assert written(context, "select name from organisation where code = 'stoke-csc'") == [
        ("Later",)
    ]


def test_the_sweep_starts_what_was_set_for_a_time_that_has_come(
    changes: DirectoryChanges, context: Context, by: Any, clock: FixedClock
) -> None:
    starts_at = clock() + timedelta(minutes=1)
    changes.put(STOKE, stoke(name="Later"), by(starts_at=starts_at), expected=0)
    sweeper = Sweeper(context, "one")

    sweeper.sweep()
    assert context.policies.refreshed().directory.organisation_name(STOKE) != "Later"
    clock.advance(minutes=1)
    sweeper.sweep()

    assert context.policies.refreshed().directory.organisation_name(STOKE) == "Later"


def check_start(context: Context, clock: FixedClock, refused: tuple[str, str]) -> None:
    """Check that one of two versions for the next minute starts, and the other one never does."""
    before = context.policies.refreshed()
    clock.advance(minutes=1)
    for _ in range(2):
        Sweeper(context, "one").sweep()

    after = context.policies.refreshed()
    assert after.directory.organisation_name("school-900001") == "Sound"
    assert after.directory.revision == before.directory.revision + 1
    assert context.ledger.directory.due_versions(now=clock()) == []
    assert written(
        context,
        "select agency, data ->> 'version', data -> 'faults' from event "
        "where kind = 'organisation.refused'",
    ) == [(refused[0], "1", [refused[1]])]


def test_a_version_for_later_that_other_organisations_make_unfit_never_starts(
    changes: DirectoryChanges, context: Context, by: Any, clock: FixedClock
) -> None:
    soon, team = by(starts_at=clock() + timedelta(minutes=1)), OrganisationCode("new-edt")
    entry, school = entries()[OrganisationCode("stoke-edt")], OrganisationCode("school-900001")
    changes.put(team, entry, by(), expected=None)
    changes.put(STOKE, stoke(out_of_hours_partner=team), soon, expected=0)
    changes.put(school, {**entries()[school], "name": "Sound"}, soon, expected=0)
    changes.put(team, {**entry, "areas": ["E06000051"]}, by(), expected=1)

    check_start(context, clock, (STOKE, "partner-elsewhere"))

    assert context.policies.latest().directory.office_of("stoke-edt").code == STOKE  # type: ignore[union-attr]


def test_a_version_for_later_that_cannot_be_read_any_more_never_starts(
    changes: DirectoryChanges, context: Context, by: Any, clock: FixedClock
) -> None:
    shipped, school = documents_from(POLICIES), OrganisationCode("school-900001")
    kinds = "kinds:\n  youth-service: {name: Youth service}\n"
    directory = shipped["directory.yaml"].replace("kinds:\n", kinds)
    more = {**shipped, "directory.yaml": directory}
    publish(context.ledger, more, now=clock(), channels=CHANNELS.forms)
    soon = by(starts_at=clock() + timedelta(minutes=1))
    youth = {**stoke(), "kind": "youth-service"}
    changes.put(OrganisationCode("youth"), youth, soon, expected=None)
    changes.put(school, {**entries()[school], "name": "Sound"}, soon, expected=0)
    clock.advance(seconds=1)
    publish(context.ledger, shipped, now=clock(), channels=CHANNELS.forms)

    check_start(context, clock, ("youth", "unknown-name"))


def test_rules_are_published_with_the_rows_that_there_are(
    changes: DirectoryChanges, context: Context, by: Any, clock: FixedClock
) -> None:
    everybody = [NewVersion(code, 0, document) for code, document in entries().items()]
    changes.record(everybody, by())
    clock.advance(minutes=1)

    version = publish(context.ledger, rules_alone(), now=clock(), channels=CHANNELS.forms)

    latest = context.policies.refreshed()
    assert version == latest.version
    assert version.endswith(f".{len(everybody)}")
    assert len(latest.directory.organisations) == len(everybody)
    again = publish(context.ledger, rules_alone(), now=clock(), channels=CHANNELS.forms)
    assert again == version
    back = publish(context.ledger, documents_from(POLICIES), now=clock(), channels=CHANNELS.forms)
    assert back == context.policies.refreshed().version != version
    fresh = PolicyCache(context.ledger, CHANNELS.forms)
    assert len(fresh.version(version).directory.organisations) == len(everybody)


WATCH = """
import sys, time
from broker.channels.registry import CHANNELS
from broker.flow.policy_cache import PolicyCache
from broker.ledger.ledger import Ledger
with Ledger.open(sys.argv[1], application_name="watching") as ledger:
    policies = PolicyCache(ledger, CHANNELS.forms)
    while True:
        name = policies.latest().directory.organisation_name("stoke-csc")
        print(name, time.time(), flush=True)
        if name == "Seen":
            break
        time.sleep(0.01)
"""


def test_every_process_sees_a_change_within_a_second(
    changes: DirectoryChanges, context: Context, by: Any
) -> None:
    command = [sys.executable, "-c", WATCH, context.settings.database_url]
    watching = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    try:
        for process in watching:
            assert process.stdout
            process.stdout.readline()
        changes.put(STOKE, stoke(name="Seen"), by(), expected=0)
        changed_at = time.time()
        lines = [process.communicate(timeout=60)[0].splitlines()[-1] for process in watching]
    finally:
        for process in watching:
            process.kill()

    seen = [line.rsplit(" ", 1) for line in lines]
    assert [name for name, _ in seen] == ["Seen", "Seen"]
    assert max(float(at) for _, at in seen) - changed_at < 1.0
