"""Whether the people whom the alarms name can be reached at all. Values in, values out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from broker.domain.codes import Contact, NoticeChannel, NoticeRecipient
from broker.errors import Fault
from broker.policy.language.directory import Directory, Organisation
from broker.policy.monitoring.alarms import AlarmRules, Step


def unset_channels(rules: AlarmRules, configured: Collection[NoticeChannel]) -> list[str]:
    """Return, in words, each alarm that can be sent by none of the channels that are set."""
    return [
        f"{where} alerts the {step.contact} of the {step.to} by "
        f"{' or '.join(map(str, step.by))} only"
        for where, step in _steps(rules)
        if not set(step.by) & set(configured)
    ]


def unreachable(
    rules: AlarmRules, directory: Directory, organisations: Iterable[Organisation]
) -> Iterator[Fault]:
    """Yield a fault for each of these organisations whose own alarms reach nobody there.

    An escalation goes on past a contact without an address; with none at all it passes the
    organisation by.
    """
    steps = [step for _, step in _steps(rules)]
    for organisation in organisations:
        recipient = NoticeRecipient.AGENCY
        if organisation is directory.ops:
            recipient = NoticeRecipient.OPS
        own = [step for step in steps if step.to is recipient]
        if own and not any(_has_address(organisation, step) for step in own):
            wanted = sorted({f"{step.contact} ({', '.join(map(str, step.by))})" for step in own})
            message = f"Nobody here can be alerted: give an address for {' or '.join(wanted)}."
            yield Fault(organisation.place, "no-contact", message)


def _steps(rules: AlarmRules) -> Iterable[tuple[str, Step]]:
    yield from (("A warning", step) for step in rules.tell)
    for policy in rules.escalation_policies.values():
        for number, step in enumerate(policy.steps, start=1):
            yield f"Step {number} of escalation policy {policy.name!r}", step


def _has_address(organisation: Organisation, step: Step) -> bool:
    addresses = organisation.contacts.get(Contact(step.contact), {})
    return any(channel in addresses for channel in step.by)
