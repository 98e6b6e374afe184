"""Every shipped sample as each of its recipients reads it, through the whole broker."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from broker.devstack import sample_referrals
from broker.inbox.changes import changes
from broker.inbox.document import document
from broker.inbox.document_source import for_people
from broker.inbox.headline import headline
from broker.policy.disclosure import CHILDREN, HOUSEHOLD, PERSONS
from broker.policy.published.policy import Policy
from schemas.referral import HARMED
from tests.acceptance.conftest import World, sample
from tests.acceptance.test_versions import correct, recall
from tests.unit.inbox.reading import read

SAMPLES = dict(sample_referrals.shipped())
OWNERLESS = {"case-10-no-area", "case-13-invalid", "case-14-picture"}
"""Samples that no agency is given: two are without a place, and one is refused."""
LISTED = datetime(2026, 12, 1, tzinfo=UTC)
"""From then on the agencies of the shipped directory are in effect."""
CODES = re.compile(r"\b[ENSW][0-9]{8}\b|\b(?:child|suspect)-[0-9]")
"""Codes of areas and local IDs, neither of which people read."""
GAPS = ("missing-", "-not-asked", "-refused", "-not-yet-known")


def given(world: World, sent: dict[str, Any]) -> list[dict[str, Any]]:
    """Hand in a referral shortly after it was submitted, and return what agencies are shown."""
    submitted = datetime.fromisoformat(sent["times"]["submitted_at"])
    world.clock.now = max(submitted + timedelta(minutes=1), LISTED)
    status = world.routed(sent)
    offered = [each for each in status["deliveries"] if each["state"] != "held"]
    return [looked_at(world, delivery) for delivery in offered]


def looked_at(world: World, delivery: dict[str, Any]) -> dict[str, Any]:
    """Return a delivery as its agency is shown it, whatever its channel."""
    headers = world.headers(delivery["agency"], "collect")
    answer = world.client.get(f"/v1/deliveries/{delivery['id']}", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


def names(content: dict[str, Any]) -> Iterator[str]:
    for group in (CHILDREN, HARMED, PERSONS, HOUSEHOLD):
        for person in content.get(group, ()):
            yield from (person[name] for name in ("given_name", "family_name") if name in person)


def organisations(book: Policy) -> dict[str, str]:
    return {each.code: each.name for each in book.directory.organisations}


@pytest.mark.parametrize("name", sorted(set(SAMPLES) - OWNERLESS))
def test_each_recipient_reads_all_of_its_view_and_its_remarks(
    world: World, book: Policy, name: str
) -> None:
    deliveries = given(world, SAMPLES[name])
    assert deliveries
    for delivery in deliveries:
        shown = document(delivery, now=world.clock.now, organisations=organisations(book))
        text = read(shown)
        for person in names(delivery["content"]):
            assert person in text
        for fault in (*delivery["defects"], *delivery["warnings"]):
            is_gap = any(part in fault["code"] for part in GAPS)
            message = for_people(fault["message"], {})
            assert is_gap or message in text, fault
        assert "from Staffordshire Police" in shown.summary
        assert not CODES.findall(text)
        assert not [
            section for section in shown.sections if any(each.is_other for each in section.rows)
        ]


@pytest.mark.parametrize("name", sorted(set(SAMPLES) - OWNERLESS))
def test_no_headline_has_a_name(world: World, book: Policy, name: str) -> None:
    for delivery in given(world, SAMPLES[name]):
        words = headline(delivery)
        assert not [person for person in names(SAMPLES[name]) if person in words]


def test_a_treated_field_is_shown_beside_its_label_as_it_was_written(
    world: World, book: Policy
) -> None:
    sent = sample(13)
    sent["children"][0]["area"] = "E10000028"
    (delivery,) = given(world, sent)
    shown = document(delivery, now=world.clock.now, organisations=organisations(book))
    children = next(section for section in shown.sections if section.id == "children")
    rows = {row.label: row for card in children.cards for row in card.rows}
    for label in ("NHS number", "Born"):
        assert any(remark.original for remark in rows[label].remarks), label


def test_a_correction_is_told_as_a_difference_and_a_recall_without_content(
    world: World, book: Policy
) -> None:
    sent = sample(1)
    sent["children"][0]["area"] = "E10000028"
    given(world, sent)
    (before,) = world.collect("staffordshire-csc")
    sent["children"][0] |= {"given_name": "Corrected", "religion": "Quaker"}
    receipt = {"id": before["referral"]}
    correct(world, receipt, sent)
    (after,) = world.collect("staffordshire-csc")
    found = {change.what: change for change in changes(before, after)}
    (religion,) = found["Corrected Applegarth: religion or belief"].now
    assert religion.text == "Quaker"
    assert headline(after).startswith("Correction: ")
    assert recall(world, receipt).status_code == 202
    (recalled,) = world.collect("staffordshire-csc")
    shown = document(recalled, now=world.clock.now, organisations=organisations(book))
    assert shown.recall is not None
    assert shown.recall.why == "It is about the wrong person."
    assert "Corrected" not in read(shown)
    assert headline(recalled) == "Taken back by the police"
