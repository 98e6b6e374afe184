"""The shipped policy is sound, and whatever is wrong with one is found with its file and line."""

import re
from collections.abc import Callable
from datetime import datetime

import pytest

from broker.channels.registry import CHANNELS
from broker.domain.codes import Contact
from broker.errors import PolicyError
from broker.policy.published.lint import lint, remarks
from broker.policy.published.policy import digest, documents_from, load
from tests.conftest import POLICIES

Documents = dict[str, str]


@pytest.fixture
def documents() -> Documents:
    return documents_from(POLICIES)


def replaced(file: str, old: str, new: str) -> Callable[[Documents], Documents]:
    def change(documents: Documents) -> Documents:
        assert old in documents[file], "the shipped policy has changed: change this test"
        return documents | {file: documents[file].replace(old, new, 1)}

    return change


WRONG = {
    "windows that overlap": (
        replaced("directory.yaml", "hours: office", "hours: {Mon: 22:00-06:00, Tue: 05:00-09:00}"),
        "overlap",
    ),
    "a window without length": (
        replaced("directory.yaml", "hours: office", "hours: {Mon: 09:00-09:00}"),
        "wrong-type",
    ),
    "a telephone that is none": (
        replaced("directory.yaml", "telephone: 01632 960101", "telephone: ask at the desk"),
        "wrong-type",
    ),
    "duty hours that overlap": (
        replaced(
            "directory.yaml",
            "telephone: 01632 960101",
            "telephone: 01632 960101, hours: {Mon: [09:00-12:00, 11:00-17:00]}",
        ),
        "overlap",
    ),
    "a telephone that nobody ever answers": (
        replaced(
            "directory.yaml",
            "telephone: 01632 960101",
            "telephone: 01632 960101, hours: {}",
        ),
        "never-open",
    ),
    "duty hours without a telephone": (
        replaced("directory.yaml", "telephone: 01632 960101", "hours: always"),
        "missing",
    ),
    "no yaml": (replaced("policy.yaml", "rows:", "rows: ["), "not-yaml"),
    "an unknown field": (
        replaced("policy.yaml", "    role: lead", "    rule: lead"),
        "unknown-name",
    ),
    "an unknown fact": (
        replaced("policy.yaml", "when: child.missing", "when: child.lost"),
        "wrong-condition",
    ),
    "an unknown value": (replaced("policy.yaml", "== 'low'", "== 'lowest'"), "wrong-condition"),
    "a number for a yes or no": (
        replaced("policy.yaml", "when: child.missing", "when: referral.grade"),
        "wrong-condition",
    ),
    "a row that can never match": (
        replaced(
            "policy.yaml", "when: child.at_school", "when: child.at_school && !child.at_school"
        ),
        "wrong-condition",
    ),
    "a fact of another subject": (
        replaced("policy.yaml", "when: child.at_school", "when: role.works_with_children"),
        "wrong-condition",
    ),
    "an unknown view": (replaced("policy.yaml", "view: school", "view: schools"), "unknown-name"),
    "an unknown deadline": (
        replaced("policy.yaml", "within: 2 working days", "within: soon"),
        "wrong-deadline",
    ),
    "a deadline past the statutory one": (
        replaced(
            "policy.yaml",
            "low: {acknowledge: 1 working day, decide: 1 working day}",
            "low: {acknowledge: 1 working day, decide: 2 working days}",
        ),
        "deadline-relaxed",
    ),
    "a calendar deadline past the statutory one": (
        replaced(
            "policy.yaml",
            "low: {acknowledge: 1 working day, decide: 1 working day}",
            "low: {acknowledge: 72 hours, decide: 1 working day}",
        ),
        "deadline-relaxed",
    ),
    "a row twice": (replaced("policy.yaml", "id: home-authority", "id: school"), "duplicate"),
    "a kind that nobody is": (
        replaced("directory.yaml", "    kind: probation", "    kind: ops"),
        "nobody",
    ),
    "an area that nobody covers": (
        replaced(
            "directory.yaml",
            "    kind: social-care\n    nation: SCT",
            "    kind: ops\n    nation: SCT",
        ),
        "not-covered",
    ),
    "an unknown area": (
        replaced("directory.yaml", "areas: [E06000051]", "areas: [E06000099]"),
        "unknown-name",
    ),
    "an unknown partner": (
        replaced(
            "directory.yaml", "out_of_hours_partner: stoke-edt", "out_of_hours_partner: stoke"
        ),
        "unknown-name",
    ),
    "an unknown channel": (
        replaced("directory.yaml", "channel: queue", "channel: fax"),
        "unknown-name",
    ),
    "an office that ends with no successor": (
        replaced(
            "directory.yaml", "    channel: queue\n", "    channel: queue\n    until: 2026-12-31\n"
        ),
        "gap",
    ),
    "a field that no referral has": (
        replaced("views.yaml", "[level]", "[level, colour]"),
        "unknown-name",
    ),
    "a view without handling": (
        replaced(
            "views.yaml",
            "      handling: [marking, instructions, embargo, parents_informed, "
            "do_not_disclose_to]\n",
            "",
        ),
        "missing",
    ),
    "no bank holidays": (lambda documents: documents | {"bank_holidays.yaml": ""}, "wrong-type"),
}


def test_the_shipped_policy_is_sound(documents: Documents) -> None:
    assert lint(documents, channels=CHANNELS.forms) == []


UNPUBLISHABLE = {
    "a team of another place at night": (
        replaced(
            "directory.yaml",
            "out_of_hours_partner: glasgow-edt",
            "out_of_hours_partner: stoke-edt",
        ),
        "partner-elsewhere",
    ),
    "a team that is closed when its office is": (
        lambda documents: (
            documents
            | {
                "directory.yaml": documents["directory.yaml"].replace(
                    "    areas: [S12000049]\n    hours: always\n    channel: mailbox\n"
                    "    from: 2026-01-01\n    contacts: {duty: {email: duty@glasgow-edt",
                    "    areas: [S12000049]\n    hours: {Sat: 00:00-24:00, Sun: 00:00-24:00}\n"
                    "    channel: mailbox\n    from: 2026-01-01\n"
                    "    contacts: {duty: {email: duty@glasgow-edt",
                )
            }
        ),
        "partner-closed",
    ),
    "social care that closes at night": (
        replaced("policy.yaml", "    out_of_hours: true\n", ""),
        "not-out-of-hours",
    ),
    "an office that never opens": (
        replaced("directory.yaml", "hours: office", "hours: {}"),
        "never-open",
    ),
}


@pytest.mark.parametrize("name", UNPUBLISHABLE)
def test_what_keeps_urgent_ones_waiting_is_not_published(documents: Documents, name: str) -> None:
    change, code = UNPUBLISHABLE[name]
    spoilt = change(documents)
    assert code in [fault.code for fault in lint(spoilt, channels=CHANNELS.forms)]
    load(spoilt, version="1", channels=CHANNELS.forms)


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_found_with_file_and_line(documents: Documents, name: str) -> None:
    change, code = WRONG[name]
    spoilt = change(documents)
    faults = lint(spoilt, channels=CHANNELS.forms)
    assert code in [fault.code for fault in faults]
    assert all(re.fullmatch(r"[a-z_]+\.yaml:\d+", fault.pointer) for fault in faults)
    with pytest.raises(PolicyError):
        load(spoilt, version="spoilt", channels=CHANNELS.forms)


def test_the_line_is_that_of_the_mistake(documents: Documents) -> None:
    text = documents["policy.yaml"]
    (line,) = [n for n, one in enumerate(text.splitlines(), 1) if "when: child.at_school" in one]
    spoilt = text.replace("when: child.at_school", "when: child.at_scool")
    (fault,) = lint(documents | {"policy.yaml": spoilt}, channels=CHANNELS.forms)
    assert fault.pointer == f"policy.yaml:{line}"


def test_the_digest_tells_any_change_and_no_order(documents: Documents) -> None:
    assert digest(documents) == digest(dict(reversed(documents.items())))
    assert digest(documents) != digest(documents | {"views.yaml": "x"})


def test_a_contact_has_a_telephone_that_is_answered_at_its_duty_hours(
    documents: Documents,
) -> None:
    change = replaced(
        "directory.yaml",
        "telephone: 01632 960107",
        "telephone: 01632 960107, hours: {Mon: [22:00-06:00], Wed: [09:00-12:00, 13:00-17:00]}",
    )
    directory = load(change(documents), version="1", channels=CHANNELS.forms).directory
    office = directory.organisation("staffordshire-csc")
    assert office is not None
    telephone = office.telephones[Contact.DUTY]
    assert telephone.number == "01632 960107"
    assert telephone.words == "Mon 22:00-06:00; Wed 09:00-12:00 and 13:00-17:00"
    answered = {
        "2026-12-14T21:59": False,
        "2026-12-14T22:00": True,
        "2026-12-15T05:59": True,
        "2026-12-15T06:00": False,
        "2026-12-16T12:30": False,
        "2026-12-16T13:00": True,
    }
    for local, expected in answered.items():
        assert telephone.is_answered(datetime.fromisoformat(f"{local}+00:00")) is expected
    team = directory.organisation("staffordshire-edt")
    assert team is not None
    assert team.telephones[Contact.DUTY].words == "always"


def test_duty_contacts_that_nobody_can_call_are_remarked(documents: Documents) -> None:
    change = replaced("directory.yaml", ", telephone: 01632 960107", "")
    said = remarks(change(documents), channels=CHANNELS.forms)
    assert any("staffordshire-csc" in remark and "telephone" in remark for remark in said)
    assert lint(change(documents), channels=CHANNELS.forms) == []
