"""What routing has to ask: warnings and tasks about what is not known or in doubt."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from operator import itemgetter

from broker.domain.task import EMBARGO_IN_WORDS, HANDLING_UNREAD, KNOWN_FOR_LONG
from broker.policy.language.rules import GradeRule, RoutingRule
from broker.policy.language.vocabulary import FACTS
from broker.policy.places.gazetteer import UNKNOWN
from broker.policy.published.policy import Policy
from broker.policy.routing.facts import ChildFacts, Facts, SubjectFacts
from broker.policy.routing.wishes import (
    doubtful_embargo,
    embargo_for_all,
    embargo_in_words,
    must_be_told,
    unmatched,
)
from broker.policy.routing.work import URGENCY, Known, Work, ground_of, plain
from broker.policy.time.moments import moment
from schemas.codes import ConcernCategory, Place
from schemas.referral import Referral

INTERVIEW_WITHIN = timedelta(hours=72)
"""From a missing child's return until it is offered an interview (statutory guidance, England)."""


def note_nobody(work: Work, rule: RoutingRule, subject: SubjectFacts, facts: Facts) -> None:
    """Note that nobody is told: a warning and a task. Without a lead nothing else may begin."""
    place = getattr(subject, rule.place_of.partition(".")[2], None)
    leads = must_be_told(rule)
    if leads:
        work.stranded = work.stranded or ("no_recipient" if place else "no_area")
    if rule.place_of == Place.CHILD_AREA and not place and (words := _abroad(subject, facts)):
        if leads:
            work.task(subject.pointer, "child-abroad", words)
        return
    is_abroad = rule.place_of == Place.PERSON_AREA and getattr(subject, "abroad", False)
    if not place and not is_abroad and rule.place_of in _UNKNOWN_PLACES:
        work.task(subject.pointer, *_UNKNOWN_PLACES[Place(rule.place_of)])
        return
    nowhere = "the place is abroad" if is_abroad else "the place is not known"
    said = f"the directory has none for {place}" if place else nowhere
    names = (*rule.condition.names, rule.place_of)
    message = f"{rule.sentence} Nobody was told: {said}."
    work.task(subject.pointer, "no-recipient", message, (ground_of(names, subject, facts),))


def _abroad(child: SubjectFacts, facts: Facts) -> str | None:
    """Return what to say of a child who is abroad, or who may be; None of everybody else."""
    if not isinstance(child, ChildFacts):
        return None
    if child.abroad:
        return _ABROAD.format(child.country)
    is_streamed = facts.overall.category is ConcernCategory.LIVESTREAMING
    return _MAYBE_ABROAD if is_streamed and child.nation == UNKNOWN else None


_ABROAD = "The child is abroad ({}), so no council here leads: find out who protects the child."
_MAYBE_ABROAD = (
    "No place is known for this child, and abuse was streamed live, so it may be abroad: find out."
)


def note_undecided(work: Work, known: Known, facts: Facts, policy: Policy, day: date) -> None:
    """Note each agency that is not told, and each grade not raised, for what nobody said."""
    undecided = [
        (is_route, number, subject, name)
        for subject, judged in known
        for is_route, number, name in judged.undecided
    ]
    for is_route, number, subject, name in sorted(undecided, key=itemgetter(0, 1)):
        if is_route:
            counts = policy.routing_rules[number].is_in_effect(day)
        else:
            counts = _might_raise(policy.grade_rules[number], facts)
        if counts:
            _note_unknown(work, subject, name, facts)


def _might_raise(rule: GradeRule, facts: Facts) -> bool:
    """Tell whether a rule would warn of a grade, or make it more urgent than it is."""
    effective = URGENCY.index(facts.overall.effective_grade)
    return rule.to is None or URGENCY.index(rule.to) < effective


def _note_unknown(work: Work, subject: SubjectFacts, name: str, facts: Facts) -> None:
    code, words = "fact-unknown", _ANY_UNKNOWN.format(FACTS[name].words)
    if name in _UNKNOWN:
        code, words = _UNKNOWN[name]
    owner = facts.about(subject).get(name.partition(".")[0], subject)
    pointer = owner.pointer if isinstance(owner, SubjectFacts) else subject.pointer
    work.task(pointer, code, words)


_ANY_UNKNOWN = "It is not known whether {}, and it decides who is told or by when: ask."
_CONTACT_UNKNOWN = (
    "contact-unknown",
    "It is not known what contact the child has with a person posing risk, and for this grade it "
    "matters: ask.",
)
_UNKNOWN = {
    "role.works_with_children": (
        "works-with-children-unknown",
        "It is not known whether this work is with children, so no designated officer is told: "
        "ask.",
    ),
    "person.managed_by": (
        "manager-unknown",
        "It is not known who manages this person, so no offender manager is told: ask.",
    ),
    "person.other_force": (
        "person-area-unknown",
        "It is not known where this person lives, so nobody there is told: ask.",
    ),
    "person.age": (
        "person-age-unknown",
        "It is not known how old this person is. Someone under 18 is first of all a child who "
        "needs help, of whom social care is told: ask.",
    ),
    "child.age": (
        "child-age-unknown",
        "It is not known how old the child is. Of a child under five a health team is told: ask.",
    ),
    "child.missing": (
        "missing-unknown",
        "It is not known whether the child is missing, which makes it more urgent: ask.",
    ),
    "child.returned": (
        "missing-unknown",
        "It is not known whether the child is missing, which makes it more urgent: ask.",
    ),
    "child.lives_with_suspect": _CONTACT_UNKNOWN,
    "child.meets_suspect": _CONTACT_UNKNOWN,
    "child.at_school": (
        "school-unknown",
        "The school has no URN, so no school is told: find out which one it is.",
    ),
    "child.placed_elsewhere": (
        "placing-authority-unknown",
        "The child is looked after, but it is not known by whom, so no authority is told: ask.",
    ),
}
"""The warning for each fact that may be unknown."""
_UNKNOWN_PLACES = {
    Place.PERSON_AREA: _UNKNOWN["person.other_force"],
    Place.PERSON_MANAGING_AREA: _UNKNOWN["person.other_force"],
}


def note_delay(work: Work, facts: Facts, policy: Policy, handed_in_at: datetime) -> None:
    """Note that the police had known for longer than the policy allows for the stated grade."""
    grade, known_at = facts.overall.grade, facts.first_known_at
    longest = policy.promptness.get(grade)
    if longest is None or handed_in_at <= known_at + longest.by_the_clock:
        return
    known_for, allowed = _length(handed_in_at - known_at), _length(longest.by_the_clock)
    words = (
        f"The police knew for {known_for} before they sent it. The policy allows {allowed} at "
        f"the grade {plain(grade)}."
    )
    work.task("/times/first_known_at", KNOWN_FOR_LONG, words)


def _length(time: timedelta) -> str:
    """Return a length of time in days and hours, such as ``2 days and 1 hour``."""
    days, hours = divmod(int(time.total_seconds()) // 3600, 24)
    counts = ((days, "day"), (hours, "hour"))
    parts = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in counts if count]
    return " and ".join(parts) or "less than an hour"


def note_assumptions(work: Work, facts: Facts) -> None:
    """Note children who go where somebody else is, because nobody said where they are."""
    for child in facts.children:
        if not child.area_is_assumed:
            continue
        if child.pointer.startswith("/household/"):
            work.task(child.pointer, "area-assumed", _ASSUMED_AROUND)
            continue
        message = "No area is known for this child, so it goes where another child is: check it."
        fields = ("address", "area", "found_area", "lives_with", "placing_authority")
        ground = tuple(f"{child.pointer}/{name}" for name in fields)
        work.warn(child.pointer, "area-assumed", message, (ground,))


_ASSUMED_AROUND = (
    "This child is listed in the household and has no area of its own, so it goes where a person "
    "of that household lives: ask where it is, and list it under the children."
)


def note_children(work: Work, facts: Facts) -> None:
    """Note who may be a child that nobody looks after, and what a child who is back is owed."""
    for child in facts.children:
        if child.returned:
            work.warn(f"{child.pointer}/missing", "returned-from-missing", _returned(child))
    if not facts.overall.child_listed:
        for pointer in facts.without_age:
            work.task(pointer, "household-age-unknown", _NO_AGE)


def _returned(child: ChildFacts) -> str:
    """Return what a child who is back is owed, and by when (decision 0266)."""
    if child.returned_at is None:
        return f"The child was missing and is back: {_INTERVIEW} its return. {_WHEN}"
    back, due = child.returned_at, child.returned_at + INTERVIEW_WITHIN
    return (
        f"The child was missing and came back on {moment(back)}: {_INTERVIEW} that, so by "
        f"{moment(due)}."
    )


_INTERVIEW = (
    "in England the authority that is responsible for it offers it an interview within 72 hours of"
)
_WHEN = "It is not known when: ask."
_NO_AGE = (
    "It is not known how old this person is, and no child is listed. If it is a child, list it "
    "under the children: ask."
)


def note_wishes(work: Work, referral: Referral, accepted_at: datetime) -> None:
    """Note wishes of the publisher that nothing obeys, or that look mistaken."""
    for remarked in unmatched(referral.handling.do_not_disclose_to, work.directory):
        work.warn(*remarked)
    for remarked in doubtful_embargo(referral.handling, accepted_at):
        work.warn(*remarked)
    for remarked in embargo_for_all(referral.handling, accepted_at):
        work.task(*remarked)


def note_doubt(
    work: Work,
    referral: Referral,
    facts: Facts,
    policy: Policy,
    unread_handling: Sequence[str],
) -> tuple[str, str] | None:
    """Note an embargo that stands in words alone, or handling that could not be read.

    Returns the code and the reason for which what an embargo may hold waits for a person; None
    where nothing does, as at a grade that the policy names: what is urgent goes, and a person asks.
    """
    doubt = None
    for remarked in embargo_in_words(referral.handling):
        work.task(*remarked)
        doubt = EMBARGO_IN_WORDS, "An embargo is given in words only."
    for pointer in unread_handling:
        work.task(pointer, HANDLING_UNREAD, _HANDLING_UNREAD)
        doubt = doubt or (HANDLING_UNREAD, "How to handle it could not be read.")
    grade = facts.overall.effective_grade
    return None if grade in policy.embargoes.goes_despite_words else doubt


_HANDLING_UNREAD = (
    "What was written here could not be read, and it may say who must not be told or contacted. "
    "What an embargo may hold is held, unless it is immediate: ask the publisher what is meant."
)
