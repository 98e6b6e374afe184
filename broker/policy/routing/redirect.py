"""Redirect a returned part of a referral to the agency that it belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from broker.domain.codes import Grade
from broker.errors import PolicyError
from broker.policy.language.rules import RoutingRule
from broker.policy.published.policy import Policy
from broker.policy.routing.assignments import Addressee, Assignment, Draft, Start, Terms, finish
from broker.policy.routing.localities import authority
from broker.policy.routing.recipients import Recipient, serving
from broker.policy.time.calendars import LONDON
from schemas.referral import Referral


def redirected(  # noqa: PLR0913
    *,
    row: str,
    agency: str,
    scope: Mapping[str, Sequence[str]],
    clock_start: datetime,
    referral: Referral,
    policy: Policy,
    now: datetime,
    area: str | None = None,
    to: str | None = None,
    effective_grade: Grade | str,
) -> Assignment:
    """Return the assignment of the same kind of agency in another area, or for a named agency.

    Who sees whom stays as it was, and the clock keeps its start: only the calendar is the new
    recipient's. Raises PolicyError when nobody is responsible, or it is the same agency again.
    """
    rule, grade = _row(row, policy), Grade(effective_grade)
    recipient = _named(to, policy, now) if to else _in_area(rule, area or "", grade, policy, now)
    if recipient is None:
        raise PolicyError("The directory has nobody of this kind for that area: name an agency.")
    if recipient.organisation.code == agency:
        raise PolicyError("That is the agency that gave it back: name another area or agency.")
    draft = Draft(
        Terms.of(rule, grade),
        Addressee.of(recipient.organisation, recipient.words),
        _start(clock_start, referral, now),
    )
    draft.children.update(dict.fromkeys(scope.get("children", ())))
    draft.persons.update(dict.fromkeys(scope.get("persons", ())))
    draft.because[f"sent on after {_name(agency, policy)} gave it back"] = None
    return finish(draft, warn_at=policy.alarms.warn_at)


def _row(row: str, policy: Policy) -> RoutingRule:
    for rule in policy.routing_rules:
        if rule.id == row:
            return rule
    raise PolicyError(f"The policy in force has no row {row!r} any more: route it by hand.")


def _named(to: str, policy: Policy, now: datetime) -> Recipient | None:
    organisation = policy.directory.organisation(to)
    if organisation is None or not organisation.is_in_effect(now.astimezone(LONDON).date()):
        raise PolicyError("The directory has no such agency now.")
    return Recipient(organisation, f"{organisation.name}, named by the person who sent it on")


def _in_area(
    row: RoutingRule, area: str, grade: Grade, policy: Policy, now: datetime
) -> Recipient | None:
    place = authority(area, policy.gazetteer)
    return serving(row, place, grade, policy, now) if place else None


def _name(agency: str, policy: Policy) -> str:
    organisation = policy.directory.organisation(agency)
    return organisation.name if organisation else agency


def _start(clock_start: datetime, referral: Referral, now: datetime) -> Start:
    """Keep the start; a clock that has not started yet is still held by its embargo."""
    start, known_at = clock_start.astimezone(UTC), referral.times.first_known_at
    if start <= now:
        return Start(start, known_at)
    embargo = referral.handling.embargo
    return Start(start, known_at, start, embargo.reason if embargo else None)
