"""Everything that is wrong with a policy, before anybody uses it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from broker.domain.channel import ChannelForms
from broker.domain.codes import Contact, Role
from broker.errors import Fault
from broker.policy.language.directory import Directory, Organisation
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
        *unattended(policy.directory.organisations, policy.directory),
        *_not_out_of_hours(policy),
        *unreachable(policy.alarms, policy.directory, policy.directory.organisations),
    ]
    if not policy.edition.source:
        message = "Say in 'source' who sets these days."
        faults.append(Fault(f"{HOLIDAYS}:1", "missing", message))
    return faults


def remarks(documents: Mapping[str, str], *, channels: ChannelForms) -> list[str]:
    """Return what is worth knowing and is no fault.

    That is whom nobody serves, whom nobody can call, and whose copies may lie about unencrypted.
    """
    policy, _ = assemble(documents, version="unpublished", channels=channels)
    if policy is None:
        return []
    return [
        *_without_telephone(policy.directory),
        *_unencrypted(policy.directory, channels),
        *_unserved(policy),
    ]


def _without_telephone(directory: Directory) -> Iterator[str]:
    """Say which agencies cannot be called: what is urgent is told by telephone first."""
    silent = [
        organisation.code
        for organisation in directory.organisations
        if Contact.DUTY not in organisation.telephones
    ]
    if silent:
        names = ", ".join(silent[:_MOST_NAMED])
        more = f" and {len(silent) - _MOST_NAMED} more" if len(silent) > _MOST_NAMED else ""
        have = "has" if len(silent) == 1 else "have"
        yield (
            f"{len(silent)} of {len(directory.organisations)} organisations {have} no telephone "
            f"for the duty contact: {names}{more}."
        )


def _unencrypted(directory: Directory, channels: ChannelForms) -> Iterator[str]:
    """Say for which agencies a channel that can encrypt is not required to."""
    readable = [
        organisation.code
        for organisation in directory.organisations
        if organisation.channel in channels
        and channels[organisation.channel].encrypts
        and not organisation.encrypted
    ]
    if readable:
        names = ", ".join(readable[:_MOST_NAMED])
        more = f" and {len(readable) - _MOST_NAMED} more" if len(readable) > _MOST_NAMED else ""
        yield (
            "Without a registered key copies go out that are signed and not encrypted; "
            f"'encrypted: true' would hold them back: {names}{more}."
        )


def _unserved(policy: Policy) -> list[str]:
    gazetteer = policy.gazetteer
    missing = unserved(policy.directory, gazetteer)
    names = ", ".join(place.said for place in missing[:_MOST_NAMED])
    more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
    return [
        f"{len(missing)} of {len(gazetteer.authorities)} authorities of the United Kingdom have no "
        f"social care in this directory; a child there waits for ops: {names}{more}."
    ] * bool(missing)


_MOST_NAMED = 5
_WEEK_FROM = datetime(2026, 11, 16, tzinfo=UTC)
"""A week without a holiday in any nation."""


def _nobody_at(office: Organisation, partner: Organisation) -> str | None:
    """Return in words when neither an office nor its team out of hours is there in any week."""
    if office.always_open or partner.always_open:
        return None
    team = replace(office.calendar, hours=partner.hours, closures={})
    own = replace(office.calendar, closures={})
    for instant in (_WEEK_FROM + timedelta(minutes=minute) for minute in range(7 * 24 * 60)):
        if not own.is_open(instant) and not team.is_open(instant):
            return f"{_WEEKDAYS[instant.weekday()]} at {instant:%H:%M}"
    return None


_WEEKDAYS = ("Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays")


def unattended(organisations: Iterable[Organisation], directory: Directory) -> Iterator[Fault]:
    """Find organisations of a directory where at some hour of the week nobody is there."""
    for organisation in organisations:
        if not organisation.always_open and not organisation.hours:
            message = "Nobody is ever there: write the hours of at least one weekday."
            yield Fault(organisation.place, "never-open", message)
        partner = directory.organisation(organisation.out_of_hours_partner or "")
        missing = sorted(set(organisation.areas) - set(partner.areas)) if partner else []
        if partner and missing:
            message = f"The partner {partner.code!r} does not serve {', '.join(missing)}."
            yield Fault(organisation.place, "partner-elsewhere", message)
        if partner and organisation.hours and (gap := _nobody_at(organisation, partner)):
            message = f"Both it and its partner {partner.code!r} are closed on {gap}."
            yield Fault(organisation.place, "partner-closed", message)


def _not_out_of_hours(policy: Policy) -> Iterator[Fault]:
    for rule in policy.routing_rules:
        if rule.kind == SOCIAL_CARE and rule.role is Role.LEAD and not rule.out_of_hours:
            message = "Social care leads day and night: write 'out_of_hours: true'."
            yield Fault(rule.place, "not-out-of-hours", message)
