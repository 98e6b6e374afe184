"""Find the organisation that a row addresses, by place and time of day."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from broker.domain.codes import Grade
from broker.policy.language.directory import Organisation
from broker.policy.language.rules import RoutingRule
from broker.policy.language.vocabulary import PLACES
from broker.policy.published.policy import Policy
from broker.policy.routing.assignments import URGENT
from broker.policy.routing.facts import Facts, SubjectFacts
from broker.policy.time.moments import local_day
from schemas.immutable import immutable

_local_day = lru_cache(maxsize=64)(local_day)
"""All of a batch have their day in common."""


@immutable
class Recipient:
    """An organisation, and in words why it is this one."""

    organisation: Organisation
    words: str
    is_publisher: bool = False
    office: Organisation | None = None
    """The closed office that it stands in for."""


def find(
    rule: RoutingRule, subject: SubjectFacts, facts: Facts, policy: Policy, now: datetime
) -> Recipient | None:
    """Return who receives what a row found, or None when nobody in the directory does."""
    place = rule.place_of
    code = place if place == "anywhere" else getattr(subject, place.partition(".")[2])
    if not code:
        return None
    recipient = serving(rule, code, facts.overall.effective_grade, policy, now)
    if recipient is None or recipient.organisation.code != facts.publisher:
        return recipient
    return replace(recipient, is_publisher=True)


def serving(
    rule: RoutingRule, place: str, grade: Grade, policy: Policy, now: datetime
) -> Recipient | None:
    """Return who serves a place for a row, its out-of-hours partner while the office is closed."""
    day = _local_day(now)
    office = policy.directory.serving(rule.kind, place, day)
    if office is None:
        return None
    where = PLACES[rule.place_of]
    at = where if place == "anywhere" else f"{where}, {policy.directory.area_name(place)}"
    wording = f"{office.name}, for {at}"
    is_open = office.is_open(now) if rule.out_of_hours and grade in URGENT else True
    if is_open:
        return Recipient(office, wording)
    partner = policy.directory.organisation(office.out_of_hours_partner or "")
    if partner is None or not partner.is_in_effect(day):
        return Recipient(office, f"{wording}; its office is closed and it has no team out of hours")
    if is_open is None:
        # The team out of hours never closes, so it is there on the days of which nobody knows.
        doubt = f"because nobody knows whether the office of {wording}, is open"
        return stand_in(office, partner, f"{partner.name}, {doubt}: its calendar does not say")
    return stand_in(office, partner, f"{partner.name}, because the office of {wording}, is closed")


def stand_in(office: Organisation, partner: Organisation, words: str) -> Recipient:
    """Return a team out of hours for an office, whose working days count."""
    return Recipient(partner, words, office=office)
