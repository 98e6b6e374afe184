"""What a change of organisations would break: the checks of a whole policy, where it touches them.

They cost what is changed. What was wrong before the change is not held against it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from broker.domain.channel import ChannelForms
from broker.domain.ids import OrganisationCode
from broker.errors import Fault
from broker.policy.language.directory import Organisation
from broker.policy.language.directory_reader import OrganisationRow
from broker.policy.monitoring.reach import unreachable
from broker.policy.published.checks import (
    check_alarms,
    check_areas_of,
    check_coverage,
    check_kind_of,
    check_organisations,
)
from broker.policy.published.lint import unattended
from broker.policy.published.policy import Policy

_OPS = "ops"


def with_change(
    policy: Policy, rows: Sequence[OrganisationRow], channels: ChannelForms
) -> tuple[Policy, list[Fault]]:
    """Return the policy in which these organisations are others, and what is wrong with that.

    It is the policy as it was where a row cannot be read.
    """
    faults: list[Fault] = []
    entries = policy.reader(channels).entries(rows, faults)
    if faults:
        return policy, faults
    revision = policy.directory.revision + len(rows)
    after = policy.with_entries(entries, version=policy.version, revision=revision)
    return after, faults_of_change(policy, after, [row.code for row in rows])


def faults_of_change(
    before: Policy, after: Policy, codes: Collection[OrganisationCode]
) -> list[Fault]:
    """Return what is wrong after these organisations were changed, and was not before."""
    touched = _touched(before, after, codes)
    known = set(_subjects(before, touched).values())
    return [fault for fault, subject in _subjects(after, touched).items() if subject not in known]


def changes_hours(before: Policy, after: Policy, codes: Collection[OrganisationCode]) -> bool:
    """Tell whether an organisation has other opening hours, or another team out of hours."""

    def hours(organisation: Organisation | None) -> object:
        if organisation is None:
            return None
        opening = organisation.always_open, organisation.hours, organisation.closures
        dates = organisation.effective_from, organisation.effective_until, organisation.school_days
        return *opening, *dates, organisation.out_of_hours_partner, organisation.areas

    return any(
        hours(before.directory.organisation(code)) != hours(after.directory.organisation(code))
        for code in codes
    )


@dataclass(frozen=True, slots=True)
class _Touched:
    """What a change may break."""

    codes: tuple[OrganisationCode, ...]
    """The organisations that change, and the offices that look at their teams."""
    areas: frozenset[str]
    """What any of them serves, before or after."""
    has_ops: bool


def _touched(before: Policy, after: Policy, codes: Collection[OrganisationCode]) -> _Touched:
    directories = before.directory, after.directory
    offices = (
        office.code
        for directory in directories
        for code in codes
        for office in directory.offices_of(code)
    )
    every = tuple(dict.fromkeys((*codes, *offices)))
    organisations = [
        organisation
        for directory in directories
        for code in every
        if (organisation := directory.organisation(code)) is not None
    ]
    areas = frozenset(area for organisation in organisations for area in organisation.areas)
    return _Touched(every, areas, any(o.kind == _OPS for o in organisations))


def _subjects(policy: Policy, touched: _Touched) -> Mapping[Fault, tuple[str, str, str]]:
    """Return what is wrong, each with what it says of which organisation.

    An entry that becomes a row stands in another place, and has the same faults.
    """
    organisations = (policy.directory.organisation(code) for code in touched.codes)
    codes = {
        organisation.place: organisation.code for organisation in organisations if organisation
    }
    return {
        fault: (codes.get(fault.pointer, fault.pointer), fault.code, fault.message)
        for fault in _faults(policy, touched)
    }


def _faults(policy: Policy, touched: _Touched) -> Iterator[Fault]:
    directory = policy.directory
    organisations = [
        organisation
        for code in touched.codes
        if (organisation := directory.organisation(code)) is not None
    ]
    yield from check_organisations(organisations, directory, policy.routing_rules)
    yield from check_areas_of(organisations, policy.gazetteer)
    yield from unattended(organisations, directory)
    yield from unreachable(policy.alarms, directory, organisations)
    areas = (area for code, area in directory.areas.items() if code in touched.areas)
    yield from check_coverage(areas, directory)
    for rule in policy.routing_rules:
        yield from check_kind_of(rule, directory)
    if touched.has_ops:
        yield from check_alarms(policy.alarms, directory)
