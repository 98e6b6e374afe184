"""A directory given as rows is the same as in the document, however it came to be so."""

import json
import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from broker.channels.registry import CHANNELS
from broker.domain.ids import OrganisationCode, ReferralId
from broker.domain.states import ReferralState
from broker.errors import PolicyError
from broker.policy.decide import decide
from broker.policy.decision import Routed, Unrouted
from broker.policy.language.directory import Directory, Organisation
from broker.policy.language.directory_reader import OrganisationRow
from broker.policy.published.change_checks import faults_of_change
from broker.policy.published.diff import compare
from broker.policy.published.expiry import endings
from broker.policy.published.lint import unpublishable
from broker.policy.published.policy import Policy, assemble, load
from tests.conftest import ROOT
from tests.directory_rows import all_rows, entries, row, rules_alone

DAY = date(2026, 12, 18)
NOW = datetime(2026, 12, 18, 16, 50, tzinfo=UTC)
SAMPLES = sorted([*ROOT.glob("samples/*.json"), *ROOT.glob("tests/acceptance/inputs/*.json")])
STOKE = OrganisationCode("stoke-csc")
EDT = OrganisationCode("stoke-edt")
OPS = next(code for code, entry in entries().items() if entry["kind"] == "ops")


@pytest.fixture(scope="module")
def as_rows() -> Policy:
    rows = all_rows()
    return load(
        rules_alone(), version="shipped", channels=CHANNELS.forms, rows=rows, revision=len(rows)
    )


def changed(policy: Policy, *rows: OrganisationRow, revision: int = 100) -> Policy:
    """Return a policy in which these rows are others."""
    reader = policy.reader(CHANNELS.forms)
    return policy.with_rows(rows, version=policy.version, revision=revision, reader=reader)


def looked_up(directory: Directory) -> Iterator[Any]:
    """Yield all that a directory answers, without where each entry is written."""

    def plain(organisation: Organisation | None) -> Any:
        if organisation is None:
            return None
        calendar = organisation.calendar
        days = calendar.hours, calendar.closures, calendar.school_days, calendar.nation
        return replace(organisation, place="", version=0), days

    places = {
        "anywhere",
        *(area for organisation in directory.organisations for area in organisation.areas),
        *(organisation.urn or "" for organisation in directory.organisations),
    }
    yield [plain(organisation) for organisation in directory.organisations]
    yield plain(directory.ops)
    yield dict(directory.names)
    for kind in directory.kinds:
        yield directory.has_kind(kind)
        for place in sorted(places):
            yield [plain(serving) for serving in directory.ever_serving(kind, place)]
            yield plain(directory.serving(kind, place, DAY))
    for organisation in directory.organisations:
        code = organisation.code
        yield plain(directory.organisation(code))
        yield plain(directory.office_of(code))
        yield directory.words_for(code, organisation.kind)
        yield directory.means_anybody(organisation.name)


def decision(path: Path, policy: Policy) -> object:
    """Return what a policy decides about a file, with the same ids each time."""
    numbers = count()
    waiting = Unrouted(
        id=ReferralId(UUID(int=1)),
        publisher=OrganisationCode("staffordshire-police"),
        reference="X/1",
        body=json.dumps(json.loads(path.read_text(encoding="utf-8"))).encode(),
        accepted_at=NOW,
        attempt=0,
        begun=0,
        due_at=NOW,
        areas={},
        state=ReferralState.ACCEPTED,
    )
    return decide(waiting, policy=policy, now=NOW, new_id=lambda: UUID(int=next(numbers)))


def test_rows_answer_as_the_document_does(book: Policy, as_rows: Policy) -> None:
    assert list(looked_up(as_rows.directory)) == list(looked_up(book.directory))
    assert compare(book, as_rows) == []
    assert unpublishable(as_rows) == []
    assert endings(as_rows, on=DAY) == endings(book, on=DAY)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_rows_decide_as_the_document_does(path: Path, book: Policy, as_rows: Policy) -> None:
    assert decision(path, as_rows) == decision(path, book)


def test_most_of_what_is_compared_is_routed(book: Policy) -> None:
    routed = [path for path in SAMPLES if isinstance(decision(path, book), Routed)]
    assert len(routed) > 20


@pytest.mark.parametrize("seed", range(5))
def test_rows_in_any_order_come_to_the_same(seed: int, book: Policy, as_rows: Policy) -> None:
    """Each is changed to something else first, and back to what the document says."""
    chance, rows = random.Random(seed), all_rows()
    policy = book
    for revision, shipped in enumerate(chance.sample(rows, len(rows)), start=1):
        assert shipped.document is not None
        other = {
            **chance.choice(rows).document,  # type: ignore[dict-item]  # each has a document
            "out_of_hours_partner": chance.choice(rows).code,
        }
        policy = changed(policy, replace(shipped, document=other), revision=revision)
        list(looked_up(policy.directory))
    for shipped in chance.sample(rows, len(rows)):
        policy = changed(policy, shipped)
    assert list(looked_up(policy.directory)) == list(looked_up(book.directory))


def test_what_was_a_row_later_is_again_what_the_document_says(book: Policy) -> None:
    stoke = entries()[STOKE]
    renamed = changed(book, row(STOKE, {**stoke, "name": "Another", "areas": ["E06000051"]}))
    added = changed(renamed, row("new-school", {**entries()["school-900001"], "urn": "900077"}))
    assert added.directory.serving("school", "900077", DAY) is not None
    assert added.directory.organisation_name(STOKE) == "Another"

    before = changed(added, row(STOKE, None), row("new-school", None), revision=0)

    assert list(looked_up(before.directory)) == list(looked_up(book.directory))


def test_a_change_leaves_the_earlier_directory_as_it_was(book: Policy) -> None:
    asked = list(looked_up(book.directory))

    later = changed(book, row(STOKE, {**entries()[STOKE], "name": "Another"}, version=7))

    assert list(looked_up(book.directory)) == asked
    assert later.directory.revision == 100
    assert later.directory.organisation(STOKE).version == 7  # type: ignore[union-attr]
    untouched = OrganisationCode("shropshire-csc")
    assert later.directory.organisation(untouched) is book.directory.organisation(untouched)
    assert later.matches is book.matches
    assert later.directory.dated_as is book.directory
    ended = changed(book, row(STOKE, {**entries()[STOKE], "until": "2027-01-31"}))
    assert ended.directory.dated_as is ended.directory


def test_other_rules_take_over_the_organisations_that_are_the_same(as_rows: Policy) -> None:
    rows = [replace(r, version=2) if r.code == STOKE else r for r in all_rows()]

    def loaded(documents: dict[str, str]) -> Policy:
        return load(
            documents,
            version="new",
            channels=CHANNELS.forms,
            rows=rows,
            revision=len(rows),
            like=as_rows,
        )

    new, others = loaded(rules_alone()), OrganisationCode("shropshire-csc")

    assert list(looked_up(new.directory)) == list(looked_up(as_rows.directory))
    assert new.directory.organisation(others) is as_rows.directory.organisation(others)
    stoke = new.directory.organisation(STOKE)
    assert stoke is not as_rows.directory.organisation(STOKE)
    assert stoke.version == 2  # type: ignore[union-attr]
    days = rules_alone()["bank_holidays.yaml"]
    other_days = days.replace("2026-12-28:", "2026-12-29:")
    assert other_days != days
    moved = loaded({**rules_alone(), "bank_holidays.yaml": other_days})
    assert moved.directory.organisation(others) is not as_rows.directory.organisation(others)


def test_a_team_counts_by_the_calendar_that_its_office_has_now(book: Policy) -> None:
    team = book.directory.organisation(STOKE).out_of_hours_partner  # type: ignore[union-attr]
    closed = changed(book, row(STOKE, {**entries()[STOKE], "closures": {"2026-12-18": "snow"}}))

    calendar = closed.directory.calendar_of(team or "")

    assert calendar is closed.directory.calendar_of(STOKE)
    assert calendar is not book.directory.calendar_of(team or "")


def test_what_is_wrong_in_a_row_is_named_where_it_stands(book: Policy) -> None:
    wrong = {
        **entries()[STOKE],
        "hours": {"Mon": "9 to 5"},
        "contacts": {"duty": {"email": "nobody"}},
        "colour": "blue",
    }
    for _ in range(2):  # the second time too: hours are read once for all who have them
        with pytest.raises(PolicyError) as refused:
            changed(book, row(STOKE, wrong))
        assert sorted(fault.pointer for fault in refused.value.faults) == [
            "organisation stoke-csc /colour",
            "organisation stoke-csc /contacts/duty/email",
            "organisation stoke-csc /hours/Mon",
        ]


@pytest.mark.parametrize(
    ("code", "change", "fault"),
    [
        (STOKE, {"contacts": {}}, "no-contact"),
        (STOKE, {"out_of_hours_partner": None}, "missing"),
        (STOKE, {"out_of_hours_partner": "nobody-there"}, "unknown-name"),
        (STOKE, {"out_of_hours_partner": "shropshire-edt"}, "partner-elsewhere"),
        (STOKE, {"areas": ["E06000051"]}, "not-covered"),
        (STOKE, {"until": "2027-01-31"}, "gap"),
        (STOKE, {"until": "2025-01-31"}, "never-in-effect"),
        (STOKE, {"areas": ["E07000192"]}, "unknown-name"),
        (EDT, {"areas": ["E06000051"]}, "partner-elsewhere"),
        (EDT, {"hours": "office"}, "partner-closed"),
        (OPS, {"contacts": {}}, "nobody"),
        (OPS, {"kind": "health"}, "nobody"),
    ],
)
def test_a_change_that_breaks_something_is_found(
    code: OrganisationCode, change: dict[str, Any], fault: str, book: Policy
) -> None:
    shipped = entries()
    after = changed(book, row(code, {**shipped[code], **change}))

    faults = faults_of_change(book, after, [code])

    assert fault in {found.code for found in faults}
    assert faults_of_change(after, after, [code]) == []


def test_what_was_wrong_with_another_one_excuses_nothing(book: Policy) -> None:
    shipped, ended = entries(), {"until": "2025-01-31"}
    before = changed(book, row(STOKE, {**shipped[STOKE], **ended}))
    after = changed(before, row(EDT, {**shipped[EDT], **ended}))

    faults = faults_of_change(before, after, [STOKE, EDT])

    never = [fault.pointer for fault in faults if fault.code == "never-in-effect"]
    assert never == [f"organisation {EDT}"]


def test_what_a_change_breaks_is_what_the_whole_policy_has_wrong(book: Policy) -> None:
    """The checks of a change find all that publishing the same directory would find."""
    chance, shipped = random.Random(1), entries()
    names = ("areas", "contacts", "hours", "kind", "out_of_hours_partner", "until", "urn")
    refused = 0
    for _ in range(40):
        code = chance.choice([*shipped])
        other, name = shipped[chance.choice([*shipped])], chance.choice(names)
        document = {**shipped[code], name: other.get(name)}
        rows = [replace(r, document=document) if r.code == code else r for r in all_rows()]
        try:
            after = changed(book, row(code, document))
        except PolicyError:
            continue
        whole, faults = whole_faults(rows)
        by_change = {fault.code for fault in faults_of_change(book, after, [code])}
        assert by_change == {fault.code for fault in (*faults, *unpublishable(whole))}, document
        refused += bool(by_change)
    assert refused > 5


def whole_faults(rows: list[OrganisationRow]) -> tuple[Policy, Any]:
    """Return a policy with these rows, and everything that is wrong with it."""
    policy, faults = assemble(
        rules_alone(), version="x", channels=CHANNELS.forms, rows=rows, revision=len(rows)
    )
    assert policy is not None
    return policy, faults
