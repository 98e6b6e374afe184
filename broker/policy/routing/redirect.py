"""Redirect a returned part of a referral to the agency that it belongs to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from broker.domain.codes import Grade
from broker.domain.task import EMBARGO_IN_WORDS, SUSPECT_AT_RECIPIENT, WISH_IN_DOUBT
from broker.errors import Fault, RedirectRefused
from broker.policy.language.directory import Directory, Organisation
from broker.policy.language.rules import RoutingRule
from broker.policy.language.vocabulary import OUT_OF_HOURS
from broker.policy.published.policy import Policy
from broker.policy.routing.assignments import (
    Addressee,
    Assignment,
    Draft,
    Reason,
    Start,
    Terms,
    finish,
)
from broker.policy.routing.localities import authority
from broker.policy.routing.recipients import Recipient, serving, stand_in
from broker.policy.routing.wishes import (
    embargo_on,
    employers,
    employs_suspect,
    is_forbidden,
    may_be_forbidden,
    may_employ_suspect,
    must_be_told,
    words_hold,
)
from broker.policy.time.calendars import LONDON
from broker.policy.time.moments import moment
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
    is_released: bool = False,
) -> Assignment:
    """Return the assignment of the same kind of agency in another area, or for a named agency.

    The recipient gets the view that the policy in force gives its kind, of the same people, and
    the clock keeps its start: only the calendar is the new recipient's. Raises RedirectRefused
    with the reason as a fault: nobody is responsible, it is the same agency again, the rule does
    not serve its kind, or the publisher or the referral forbids this recipient, or may forbid it
    in words that are not quite its name. An embargo that
    stands in words alone forbids it too, unless ``is_released``: a person has released this part.
    """
    rule, grade = _rule(row, policy), Grade(effective_grade)
    recipient = (
        _named(to, agency, policy, now) if to else _in_area(rule, area or "", grade, policy, now)
    )
    if recipient.organisation.code == agency:
        raise _refused(
            "same-agency",
            "That is the agency that gave it back: name another area or agency.",
            pointer="/agency" if to else "/area",
        )
    check_recipient(rule, recipient.organisation, referral, policy.directory, now)
    _check_doubt(rule, recipient.organisation, referral, grade, policy)
    if rule.held_by and not is_released:
        _check_words(referral, grade, policy)
    draft = Draft(
        Terms.of(rule, grade),
        Addressee.of(recipient.organisation, recipient.words, recipient.office),
        Start(clock_start.astimezone(UTC), referral.times.first_known_at),
    )
    draft.children.update(dict.fromkeys(scope.get("children", ())))
    draft.persons.update(dict.fromkeys(scope.get("persons", ())))
    draft.because[
        Reason(f"sent on after {policy.directory.organisation_name(agency)} gave it back")
    ] = None
    return finish(draft, warn_at=policy.alarms.warn_at)


def kinds_served(rule: RoutingRule) -> frozenset[str]:
    """Return the kinds of organisation that a rule's view is for."""
    return frozenset({rule.kind, OUT_OF_HOURS} if rule.out_of_hours else {rule.kind})


def check_recipient(
    rule: RoutingRule,
    recipient: Organisation,
    referral: Referral,
    directory: Directory,
    now: datetime,
) -> None:
    """Raise RedirectRefused where this recipient must not get this part of the referral."""
    if recipient.kind not in kinds_served(rule):
        kinds = " or ".join(sorted(kinds_served(rule)))
        raise _refused(
            "wrong-kind",
            f"{recipient.name} is of the kind {recipient.kind}, and this part of the referral is "
            f"for {kinds}: name an organisation of that kind.",
        )
    _check_embargo(rule, recipient, referral, now)
    _check_wishes(rule, recipient, referral, directory)


def _check_embargo(
    rule: RoutingRule, recipient: Organisation, referral: Referral, now: datetime
) -> None:
    embargo = embargo_on(rule, referral.handling.embargo, now)
    if embargo is not None:
        raise _refused(
            "embargo",
            f"An embargo forbids contact with {recipient.name} until {moment(embargo.until)}: wait "
            "until then, or ask the publisher to end it by a correction.",
        )


def _check_words(referral: Referral, grade: Grade, policy: Policy) -> None:
    if words_hold(referral.handling, grade, policy.embargoes.goes_despite_words):
        raise _refused(
            EMBARGO_IN_WORDS,
            "The instructions seem to forbid it for now: ask the officer, and have the publisher "
            "correct the referral.",
        )


def _check_wishes(
    rule: RoutingRule, recipient: Organisation, referral: Referral, directory: Directory
) -> None:
    entries = referral.handling.do_not_disclose_to
    if not must_be_told(rule) and is_forbidden(entries, rule, recipient, directory):
        raise _refused(
            "not-disclosed",
            f"The publisher asked that {recipient.name} is not told: ask the publisher, or name "
            "another agency.",
        )
    workplaces = employers(referral.persons_posing_risk, referral.children)
    if employs_suspect(workplaces, recipient):
        raise _refused(
            SUSPECT_AT_RECIPIENT,
            f"A person posing risk works or volunteers at {recipient.name}: ask the publisher "
            "whom to tell instead.",
        )


def _check_doubt(
    rule: RoutingRule, recipient: Organisation, referral: Referral, grade: Grade, policy: Policy
) -> None:
    """Raise RedirectRefused where routing would hold it: what is written may mean the recipient.

    A redirect has no hold in which a person could ask, so they ask before.
    """
    entries, directory = referral.handling.do_not_disclose_to, policy.directory
    obeys_doubt = grade not in policy.embargoes.goes_despite_words
    if obeys_doubt and may_be_forbidden(entries, rule, recipient, directory):
        raise _refused(
            WISH_IN_DOUBT,
            f"The publisher may have asked that {recipient.name} is not told, in words that are "
            "not quite its name: ask the publisher whom they mean and have the referral "
            "corrected, or name another agency.",
        )
    workplaces = employers(referral.persons_posing_risk, referral.children)
    if may_employ_suspect(workplaces, recipient, directory):
        raise _refused(
            SUSPECT_AT_RECIPIENT,
            f"A person posing risk may work or volunteer at {recipient.name}, by what is written: "
            "ask the publisher where and have the referral corrected, or name another agency.",
        )


def _rule(row: str, policy: Policy) -> RoutingRule:
    for rule in policy.routing_rules:
        if rule.id == row:
            return rule
    raise _refused(
        "no-rule",
        f"The policy in force has no rule {row!r} any more: ask the publisher to correct the "
        "referral, which routes it anew.",
        pointer="",
    )


def _named(to: str, agency: str, policy: Policy, now: datetime) -> Recipient:
    organisation = policy.directory.organisation(to)
    if organisation is None or not organisation.is_in_effect(now.astimezone(LONDON).date()):
        raise _refused("unknown-agency", "The directory has no such agency now: check its code.")
    words = f"{organisation.name}, named by the person who sent it on"
    office = policy.directory.office_of(organisation.code, agency)
    return stand_in(office, organisation, words) if office else Recipient(organisation, words)


def _in_area(
    rule: RoutingRule, area: str, grade: Grade, policy: Policy, now: datetime
) -> Recipient:
    place = authority(area, policy.gazetteer)
    recipient = serving(rule, place, grade, policy, now) if place else None
    if recipient is None:
        raise _refused(
            "no-recipient",
            "The directory has nobody of this kind for that area: name an agency.",
            pointer="/area",
        )
    return recipient


def _refused(code: str, message: str, *, pointer: str = "/agency") -> RedirectRefused:
    return RedirectRefused(message, faults=[Fault(pointer, code, message)])
