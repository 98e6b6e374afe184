"""Whom the alarms reach: each organisation by some contact, each step by some channel."""

import pytest

from broker.channels.registry import CHANNELS
from broker.domain.codes import Contact, NoticeChannel, NoticeRecipient
from broker.policy.monitoring.alarms import AlarmRules, Step
from broker.policy.monitoring.reach import unreachable, unset_channels
from broker.policy.published.lint import lint
from broker.policy.published.policy import Policy, documents_from
from tests.conftest import POLICIES


def test_without_mail_the_shipped_alarms_name_each_step_that_nobody_gets(book: Policy) -> None:
    unset = unset_channels(book.alarms, {NoticeChannel.WEBHOOK})
    assert (
        "Step 2 of escalation policy 'urgent' alerts the manager of the agency by email only"
        in (unset)
    )
    assert not any("'urgent' alerts the duty of the agency" in line for line in unset)
    assert unset_channels(book.alarms, {NoticeChannel.EMAIL}) == []


def test_every_shipped_organisation_can_be_alerted(book: Policy) -> None:
    assert list(unreachable(book.alarms, book.directory, book.directory.organisations)) == []


@pytest.mark.parametrize("contact", ["duty@stoke-csc.example.org", "duty@nca.example.org"])
def test_an_organisation_without_any_address_is_a_fault(contact: str) -> None:
    documents = documents_from(POLICIES)
    lines = documents["directory.yaml"].splitlines()
    (number,) = [number for number, line in enumerate(lines) if contact in line]
    lines[number] = "    contacts: {}"
    faults = lint(documents | {"directory.yaml": "\n".join(lines)}, channels=CHANNELS.forms)
    assert [fault.code for fault in faults] == ["no-contact"]
    assert faults[0].pointer.startswith("directory.yaml:")
    assert "duty" in faults[0].message


@pytest.mark.parametrize(
    ("recipients", "faults"),
    [
        ([NoticeRecipient.AGENCY], ["agency"]),
        ([NoticeRecipient.OPS], ["ops"]),
        ([NoticeRecipient.OPS, NoticeRecipient.AGENCY], ["ops", "agency"]),
        ([NoticeRecipient.PUBLISHER], []),
        ([], []),
    ],
)
def test_only_alarms_of_an_organisation_itself_must_reach_it(
    book: Policy, recipients: list[NoticeRecipient], faults: list[str]
) -> None:
    """By a channel for which nobody has an address."""
    agency = book.directory.organisation("stoke-csc")
    assert agency is not None
    places = {agency.place: "agency", book.directory.ops.place: "ops"}
    steps = tuple(Step(recipient, Contact.DUTY, ()) for recipient in recipients)
    found = unreachable(AlarmRules(tell=steps), book.directory, [book.directory.ops, agency])
    assert [places[fault.pointer] for fault in found] == faults
