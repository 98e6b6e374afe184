"""Everything that is wrong with a policy, before anybody uses it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from broker.domain.channel import ChannelForms
from broker.domain.codes import Role
from broker.errors import Fault
from broker.policy.language.vocabulary import SOCIAL_CARE
from broker.policy.monitoring.reach import unreachable
from broker.policy.published.checks import check_places, unserved
from broker.policy.published.policy import HOLIDAYS, Policy, assemble


def lint(documents: Mapping[str, str], *, channels: ChannelForms) -> list[Fault]:
    """Return every fault of a policy's documents, pointing at ``file:line``; none when it is sound.

    What it finds is what keeps the policy from being published.
    """
    policy, faults = assemble(documents, version="unpublished", channels=channels)
    return faults if policy is None else [*faults, *unpublishable(policy)]


def unpublishable(policy: Policy) -> list[Fault]:
    """Return what keeps a policy from being published, but not an older one from being read.

    That is calendar data that does not say where it comes from, areas that do not exist, and what
    would let an urgent referral wait or send it to a team of another place.
    """
    faults = [
        *check_places(policy.directory, policy.gazetteer),
        *_unattended(policy),
        *unreachable(policy.alarms, policy.directory),
    ]
    if not policy.edition.source:
        message = "Say in 'source' who sets these days."
        faults.append(Fault(f"{HOLIDAYS}:1", "missing", message))
    return faults


def remarks(documents: Mapping[str, str], *, channels: ChannelForms) -> list[str]:
    """Return what is worth knowing of a policy and is no fault: whom nobody serves."""
    policy, _ = assemble(documents, version="unpublished", channels=channels)
    if policy is None:
        return []
    gazetteer = policy.gazetteer
    missing = unserved(policy.directory, gazetteer)
    names = ", ".join(place.said for place in missing[:_MOST_NAMED])
    more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
    return [
        f"{len(missing)} of {len(gazetteer.authorities)} authorities of the United Kingdom have no "
        f"social care in this directory; a child there waits for ops: {names}{more}."
    ] * bool(missing)


_MOST_NAMED = 5


def _unattended(policy: Policy) -> Iterator[Fault]:
    for organisation in policy.directory.organisations:
        if not organisation.always_open and not organisation.hours:
            message = "Nobody is ever there: write the hours of at least one weekday."
            yield Fault(organisation.place, "never-open", message)
        partner = policy.directory.organisation(organisation.out_of_hours_partner or "")
        missing = sorted(set(organisation.areas) - set(partner.areas)) if partner else []
        if partner and missing:
            message = f"The partner {partner.code!r} does not serve {', '.join(missing)}."
            yield Fault(organisation.place, "partner-elsewhere", message)
    for rule in policy.routing_rules:
        if rule.kind == SOCIAL_CARE and rule.role is Role.LEAD and not rule.out_of_hours:
            message = "Social care leads day and night: write 'out_of_hours: true'."
            yield Fault(rule.place, "not-out-of-hours", message)
