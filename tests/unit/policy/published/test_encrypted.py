"""``encrypted: true`` of an organisation's entry: only for a channel that can."""

from broker.channels.registry import CHANNELS
from broker.domain.ids import OrganisationCode
from broker.policy.published.lint import lint, remarks
from broker.policy.published.policy import documents_from, load
from tests.conftest import POLICIES

QUEUE, MAILBOX = "channel: queue", "channel: mailbox"


def documents(channel: str) -> dict[str, str]:
    """Return the shipped policy with the first entry of a channel encrypted."""
    shipped = dict(documents_from(POLICIES))
    text = shipped["directory.yaml"]
    at = text.index(channel) + len(channel)
    line = text.rfind("\n", 0, at - len(channel)) + 1
    indent = " " * (at - len(channel) - line)
    shipped["directory.yaml"] = f"{text[:at]}\n{indent}encrypted: true{text[at:]}"
    return shipped


def test_a_queue_can_be_required_to_encrypt() -> None:
    shipped = documents(QUEUE)
    policy = load(shipped, version="1", channels=CHANNELS.forms)
    required = [entry.code for entry in policy.directory.organisations if entry.encrypted]
    assert len(required) == 1
    organisation = policy.directory.organisation(OrganisationCode(required[0]))
    assert organisation is not None
    assert organisation.channel == "queue"


def test_a_channel_that_cannot_encrypt_is_a_fault() -> None:
    faults = lint(documents(MAILBOX), channels=CHANNELS.forms)
    assert [fault.message for fault in faults] == ["Channel 'mailbox' cannot encrypt."]


def test_who_is_not_required_to_have_a_key_is_remarked() -> None:
    shipped = documents_from(POLICIES)
    policy = load(documents(QUEUE), version="1", channels=CHANNELS.forms)
    (required,) = (entry.code for entry in policy.directory.organisations if entry.encrypted)
    assert any(f": {required}" in remark for remark in remarks(shipped, channels=CHANNELS.forms))
    left = remarks(documents(QUEUE), channels=CHANNELS.forms)
    assert not any("encrypted: true" in remark and required in remark for remark in left)
