"""What changes between two policies is said, every change of it, and nothing else."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from broker.channels.registry import CHANNELS
from broker.policy.published.diff import Change, compare
from broker.policy.published.policy import (
    DOCUMENTS,
    Policy,
    assemble,
    documents_from,
    load,
)
from tests.conftest import POLICIES

Altered = Callable[[str, str, str], Policy]
SOCIAL_CARE = "    very_high: {collect: 30 minutes, acknowledge: 4 hours, decide: 1 working day}"
COPY = "any: {acknowledge: 1 working day}"
HEALTH_ROW = "deadlines: health\n    from: 2026-01-01"
DESIGNATED = "role.works_with_children && person.age != 'under_18' && role.nation != 'WLS'"


def altered(file: str, old: str, new: str) -> Policy:
    documents = documents_from(POLICIES)
    assert old in documents[file], "the shipped policy has changed: change this test"
    changed = documents | {file: documents[file].replace(old, new, 1)}
    book, _ = assemble(changed, version="altered", channels=CHANNELS.forms)
    assert book is not None
    return book


CHANGES = {
    "shorter": (
        *("policy.yaml", SOCIAL_CARE, SOCIAL_CARE.replace("4 hours", "2 hours")),
        *("row social-care", "acknowledge within 2 hours, shorter than 4 hours (very_high)"),
        "shorter",
    ),
    "longer": (
        *("policy.yaml", "{within: 2 working days", "{within: 3 working days"),
        "row health",
        "decide within 3 working days, may be paused, longer than 2 working days, may be paused "
        "(every grade)",
        "longer",
    ),
    "neither shorter nor longer": (
        *("policy.yaml", COPY, COPY.replace("1 working day", "24 hours")),
        "row home-authority",
        "acknowledge within 24 hours, sooner or later, as the day falls than 1 working day "
        "(every grade)",
        None,
    ),
    "a new deadline": (
        *("policy.yaml", COPY, "any: {acknowledge: 1 working day, collect: 4 hours}"),
        *("row placing-authority", "collect has a deadline now: 4 hours (every grade)", "shorter"),
    ),
    "no deadline": (
        *("policy.yaml", "acknowledge: 1 working day, decide: {within: 2", "decide: {within: 2"),
        *("row health", "acknowledge has no deadline any more; it was 1 working day (every grade)"),
        "longer",
    ),
    "a narrower condition": (
        *("policy.yaml", DESIGNATED, f"{DESIGNATED} && role.kind == 'employment'"),
        "row designated-officer",
        f"counts when {DESIGNATED} && role.kind == 'employment' (it was {DESIGNATED}): "
        "in fewer cases",
        None,
    ),
    "a wider condition": (
        *("policy.yaml", ": child.health_need", ": child.health_need || child.looked_after"),
        "row health",
        "counts when child.health_need || child.looked_after (it was child.health_need): "
        "in more cases",
        None,
    ),
    "the same condition": (
        *("policy.yaml", "when: child.at_school", "when: child.at_school == true"),
        "row school",
        "counts when child.at_school == true (it was child.at_school): in the same cases",
        None,
    ),
    "another recipient": (
        *("policy.yaml", "{kind: health, of: child.area}", "{kind: health, of: child.home_area}"),
        *("row health", "goes to health of child.home_area, no longer to health of child.area"),
        None,
    ),
    "another view": (
        *("policy.yaml", "view: school\n", "view: health\n"),
        *("row school", "is shown through the view health, no longer school", None),
    ),
    "an end": (
        *("policy.yaml", HEALTH_ROW, f"{HEALTH_ROW}\n    until: 2027-03-31"),
        *("row health", "until is Wed 31 Mar 2027; it was not said", None),
    ),
    "out of hours": (
        *("policy.yaml", "out_of_hours: true", "out_of_hours: false"),
        *("row social-care", "out of hours is no; it was yes", None),
    ),
    "a grade rule": (
        *("policy.yaml", "child.missing\n    to: very_high", "child.missing\n    to: high"),
        *("grade rule missing-child", "to is 'high'; it was 'very_high'", None),
    ),
    "a field less": (
        *("views.yaml", "[marking, instructions, embargo, parents_informed, do_not_disclose_to]"),
        *("[marking, instructions, embargo, do_not_disclose_to]", "view school"),
        *("no longer shows handling.parents_informed", "lost"),
    ),
    "a channel": (
        *("directory.yaml", "channel: queue", "channel: mailbox"),
        *("organisation stoke-csc", "channel is 'mailbox'; it was 'queue'", None),
    ),
    "a partner": (
        *("directory.yaml", "partner: stoke-edt", "partner: staffordshire-edt"),
        "organisation stoke-csc",
        "out of hours partner is 'staffordshire-edt'; it was 'stoke-edt'",
        None,
    ),
    "an area less": (
        *("directory.yaml", "[E10000028, E06000021, E06000051]", "[E10000028, E06000021]"),
        *("organisation probation-west-midlands", "no longer serves E06000051", "lost"),
    ),
    "hours": (
        *("directory.yaml", "Fri: 08:00-16:00}", "Fri: 08:00-15:00}"),
        "organisation school-900002",
        "is open Mon 08:00-16:00, Tue 08:00-16:00, Wed 08:00-16:00, Thu 08:00-16:00, "
        "Fri 08:00-15:00; it was Mon 08:00-16:00, Tue 08:00-16:00, Wed 08:00-16:00, "
        "Thu 08:00-16:00, Fri 08:00-16:00",
        None,
    ),
    "a closure": (
        *("directory.yaml", "    channel: queue\n"),
        "    channel: queue\n    closures: {2026-12-29: moving house}\n",
        *("organisation stoke-csc", "is closed on Tue 29 Dec 2026 (moving house)", "gained"),
    ),
    "a term": (
        *("directory.yaml", "2026-11-02 to 2026-12-23", "2026-11-02 to 2026-12-18"),
        *("organisation school-900003", "3 fewer school days, the first Mon 21 Dec 2026", "lost"),
    ),
    "an area's name": (
        *("directory.yaml", "name: Staffordshire, nation", "name: Staffs, nation"),
        *("area E10000028", "name is 'Staffs'; it was 'Staffordshire'", None),
    ),
    "a bank holiday": (
        *("bank_holidays.yaml", "2026-05-04: May Day", "2026-05-08: May Day"),
        *("bank holidays ENG", "has a bank holiday on Fri 8 May 2026 (May Day)", "gained"),
    ),
    "the end of the calendar": (
        *("bank_holidays.yaml", "ends: 2028-12-31", "ends: 2029-12-31"),
        *("bank holidays SCT", "is known to Mon 31 Dec 2029; it was Sun 31 Dec 2028", None),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_is_said_in_words(book: Policy, name: str) -> None:
    file, old, new, of, words, effect = CHANGES[name]
    assert effect in (None, "shorter", "longer", "gained", "lost")
    found = compare(book, altered(str(file), str(old), str(new)))
    assert Change(str(of), "changed", str(words), effect) in found


@pytest.mark.parametrize("name", CHANGES)
def test_the_way_back_has_the_opposite_effect(book: Policy, name: str) -> None:
    file, old, new, of, _, effect = CHANGES[name]
    back = compare(altered(str(file), str(old), str(new)), book)
    opposite = {"shorter": "longer", "longer": "shorter", "gained": "lost", "lost": "gained"}
    effects = [change.effect for change in back if change.of == of]
    assert effects
    assert effect is None or opposite[effect] in effects


def test_a_policy_does_not_differ_from_itself(book: Policy) -> None:
    assert (
        compare(book, load(documents_from(POLICIES), version="again", channels=CHANNELS.forms))
        == []
    )


def test_what_is_new_or_gone_is_said_once(book: Policy) -> None:
    documents = documents_from(POLICIES)
    start = documents["policy.yaml"].index("  - id: health\n")
    end = documents["policy.yaml"].index("  - id: probation\n")
    text = documents["policy.yaml"][:start] + documents["policy.yaml"][end:]
    without = load(documents | {"policy.yaml": text}, version="less", channels=CHANNELS.forms)
    (gone,) = compare(book, without)
    (new,) = compare(without, book)
    assert (gone.of, gone.kind, new.kind) == ("row health", "removed", "added")
    assert gone.words == new.words
    assert "The child has a health need in this area." in gone.words


def test_no_field_of_a_view_is_gained_where_all_was_shown(book: Policy) -> None:
    narrowed = altered("views.yaml", "      children: all\n", "      children: [id]\n")
    (change,) = compare(book, narrowed)
    assert (change.effect, change.words) == (
        "lost",
        "no longer shows everything of children beyond id",
    )
    (back,) = compare(narrowed, book)
    assert (back.effect, back.words) == ("gained", "shows everything of children beyond id")


def test_every_document_can_make_a_difference() -> None:
    assert {str(change[0]) for change in CHANGES.values()} == set(DOCUMENTS)


def test_a_changed_section_is_called_as_it_is_written_and_a_grade_rule_is_said_once(
    book: Policy,
) -> None:
    sections = [
        change.of
        for change in compare(book, replace(book, version_rules={}, grade_rules=()))
        if change.of.startswith("section")
    ]
    assert sections == ["section versions"]
