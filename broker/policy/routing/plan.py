"""Routing: who gets which part of a referral, why, and by when. Values in, values out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from broker.domain.codes import Grade, Role
from broker.domain.task import Task
from broker.errors import Fault
from broker.policy.language.rules import RoutingRule
from broker.policy.language.vocabulary import SOCIAL_CARE, SUBJECTS
from broker.policy.places.gazetteer import UNKNOWN
from broker.policy.published.policy import Policy
from broker.policy.routing.assignments import Addressee, Assignment, Draft, Start, Terms, finish
from broker.policy.routing.facts import (
    ChildFacts,
    Facts,
    PersonFacts,
    RoleFacts,
    SubjectFacts,
    derive,
)
from broker.policy.routing.recipients import Recipient, find
from broker.policy.time.calendars import LONDON
from broker.policy.time.deadlines import Within, compute
from schemas.codes import ConcernCategory, ContactNature, Place
from schemas.referral import Referral

ATTEND_WITHIN = Within.parse("1 hour")
"""How long ops has for a referral whose recipient cannot be worked out."""
_URGENCY = tuple(Grade)


@dataclass(frozen=True, slots=True)
class Plan:
    """The decision about one referral.

    Either it has legs, or ``unroutable_reason`` says why there is no owner for anybody in it:
    ``no_area`` or ``no_recipient``; then ops attends to it by ``attend_by``. Beside legs, ``tasks``
    say for whom nobody could be worked out.
    """

    grade: Grade
    effective_grade: Grade
    raised_because: str | None
    assignments: tuple[Assignment, ...]
    unroutable_reason: str | None
    attend_by: datetime | None
    attend_words: str | None
    warnings: tuple[Fault, ...]
    tasks: tuple[Task, ...] = ()
    """What ops must settle; each is a warning as well."""


@dataclass(slots=True)
class _Work:
    """What is gathered while the rows are gone through."""

    drafts: dict[tuple[str, str], Draft] = field(default_factory=dict)
    warnings: dict[Fault, None] = field(default_factory=dict)
    tasks: dict[Task, None] = field(default_factory=dict)
    stranded: str | None = None
    is_owned: bool = False
    """Whether one of the drafts makes somebody responsible, so that all of them may go."""

    def warn(self, pointer: str, code: str, message: str) -> None:
        self.warnings[Fault(pointer, code, message)] = None

    def task(self, pointer: str, code: str, message: str) -> None:
        """Warn of something that a person in ops must settle as well."""
        self.warn(pointer, code, message)
        self.tasks[Task(code, pointer, message)] = None


def route(  # noqa: PLR0913 - each is a fact about the hand-in
    referral: Referral,
    *,
    publisher: str,
    policy: Policy,
    accepted_at: datetime,
    now: datetime,
    areas: Mapping[str, str],
    handed_in_at: datetime | None = None,
) -> Plan:
    """Decide who gets a referral.

    Clocks start when it was accepted, also when its areas (local id to code) became known later;
    ``now`` only tells whether an office is open. Ages, and how long the police had known, are those
    of ``handed_in_at``, which for a correction is when the first version came.
    """
    handed_in_at = handed_in_at or accepted_at
    day = accepted_at.astimezone(LONDON).date()
    facts = derive(
        referral,
        publisher=publisher,
        directory=policy.directory,
        gazetteer=policy.gazetteer,
        on=day,
        ages_on=handed_in_at.astimezone(LONDON).date(),
        areas=areas,
    )
    work = _Work(warnings=dict.fromkeys(facts.doubts))
    facts, raised = _graded(facts, policy, work)
    for rule, subject in _matches(facts, policy, accepted_at):
        start = _start(rule, facts, accepted_at)
        _address(work, rule, subject, facts, find(rule, subject, facts, policy, now), start)
    _note_undecided(work, facts, policy, accepted_at)
    _note_delay(work, facts, policy, handed_in_at)
    _note_assumptions(work, facts)
    reason = None if _may_begin(work) else work.stranded or _nobody(facts)
    return _plan(work, facts, reason, policy, accepted_at, raised)


def _graded(facts: Facts, policy: Policy, work: _Work) -> tuple[Facts, str | None]:
    """Raise the grade where the facts say so, and warn where they contradict it."""
    stated = effective = facts.overall.grade
    raised = None
    for rule in policy.grade_rules:
        holds = [
            subject
            for subject in facts.subjects(rule.subject)
            if rule.condition.holds(facts.about(subject))
        ]
        if not holds:
            continue
        if rule.to is None:
            work.warn("/grade/level", "grade-contradiction", rule.sentence)
        elif _URGENCY.index(rule.to) < _URGENCY.index(effective):
            effective = rule.to
            raised = f"Graded {_plain(stated)}, treated as {_plain(effective)}: {rule.sentence}"
    return facts.graded(effective), raised


def _matches(
    facts: Facts, policy: Policy, accepted_at: datetime
) -> Iterator[tuple[RoutingRule, SubjectFacts]]:
    day = accepted_at.astimezone(LONDON).date()
    # What is known about a subject is gathered once, because every rule asks for it.
    known = {
        kind: [(subject, facts.about(subject)) for subject in facts.subjects(kind)]
        for kind in SUBJECTS
    }
    for rule in policy.routing_rules:
        if not rule.is_in_effect(day):
            continue
        for subject, about in known[rule.subject]:
            if rule.condition.holds(about):
                yield rule, subject


def _address(
    work: _Work,
    rule: RoutingRule,
    subject: SubjectFacts,
    facts: Facts,
    recipient: Recipient | None,
    start: Start,
) -> None:
    """Add what a row found to the leg of its recipient, or note why there is none."""
    if recipient is None:
        _note_nobody(work, rule, subject, facts)
        return
    organisation = recipient.organisation
    if recipient.is_publisher or _is_kept_from(work, rule, subject, facts, recipient):
        return
    draft = _covering(work, rule, subject, organisation.code)
    if draft is None:
        terms = Terms.of(rule, facts.overall.effective_grade)
        draft = Draft(terms, Addressee.of(organisation, recipient.words), start)
        work.drafts[organisation.code, rule.id] = draft
        is_responsible = rule.kind == SOCIAL_CARE or rule.place_of == Place.ANYWHERE
        work.is_owned |= rule.role is Role.LEAD or is_responsible
    _include(draft, rule, subject, facts)


def _covering(work: _Work, rule: RoutingRule, subject: SubjectFacts, agency: str) -> Draft | None:
    """Return the leg that is extended: of the same row, or one that shows the subject already."""
    if draft := work.drafts.get((agency, rule.id)):
        return draft
    for (code, _), draft in work.drafts.items():
        same = code == agency and (draft.terms.view, draft.terms.role) == (rule.view, rule.role)
        if same and (subject.id in draft.children or subject.id in draft.persons):
            return draft
    return None


def _include(draft: Draft, rule: RoutingRule, subject: SubjectFacts, facts: Facts) -> None:
    """Add a subject to a leg, and whoever else the row lets the agency see."""
    reasons = "; ".join([*_where(subject), *rule.condition.reasons(facts.about(subject))])
    if rule.id != draft.terms.row:
        reasons = f"{reasons}. {rule.sentence}"
    draft.because[f"{_called(subject)}: {reasons}" if subject.id else reasons] = None
    match subject:
        case ChildFacts():
            draft.children[subject.id] = None
        case PersonFacts() | RoleFacts():
            draft.persons[subject.id] = None
    if "children" in rule.sees:
        draft.children.update(dict.fromkeys(child.id for child in facts.children))
    if "persons" in rule.sees:
        draft.persons.update(_persons_beside(subject, facts))


def _persons_beside(subject: SubjectFacts, facts: Facts) -> dict[str, None]:
    """Return who is shown beside a subject: every adult, and children only where it concerns them.

    A child alleged to have harmed is shown only beside a child in the same area or with whom it
    has contact, because it is itself a child whom other agencies need not know.
    """
    return {
        person.id: None
        for person in facts.persons
        if person.age != "under_18"
        or not isinstance(subject, ChildFacts)
        or person.area == subject.area
        or person.contact.get(subject.id, ContactNature.NONE) is not ContactNature.NONE
    }


def _is_kept_from(
    work: _Work, rule: RoutingRule, subject: SubjectFacts, facts: Facts, recipient: Recipient
) -> bool:
    """Tell whether the publisher forbade this recipient; never so for the lead of social care."""
    organisation = recipient.organisation
    names = {organisation.code.casefold(), organisation.kind, rule.kind}
    if not names & facts.not_to:
        return False
    pointer = "/handling/do_not_disclose_to"
    if rule.role is Role.LEAD and rule.kind == SOCIAL_CARE:
        work.warn(pointer, "disclosure-required", f"{organisation.name} leads, so it is told.")
        return False
    work.warn(pointer, "not-disclosed", f"{organisation.name} is not told, as the publisher asked.")
    return True


def _may_begin(work: _Work) -> bool:
    """Tell whether what is certain goes at once, though somebody in it has no owner yet.

    So it does where an agency leads, or responsible social care or a national agency has a part. A
    school or a health team alone is not told before social care is.
    """
    return work.is_owned if work.stranded else bool(work.drafts)


def _note_nobody(work: _Work, rule: RoutingRule, subject: SubjectFacts, facts: Facts) -> None:
    """Note that nobody is told: a warning and a task. Without a lead nothing else may begin."""
    place = getattr(subject, rule.place_of.partition(".")[2], None)
    leads = rule.role is Role.LEAD and rule.kind == SOCIAL_CARE
    if leads:
        work.stranded = work.stranded or ("no_recipient" if place else "no_area")
    if rule.place_of == Place.CHILD_AREA and not place and (words := _abroad(subject, facts)):
        if leads:
            work.task(subject.pointer, "child-abroad", words)
        return
    if not place and rule.place_of in _UNKNOWN_PLACES:
        work.task(subject.pointer, *_UNKNOWN_PLACES[Place(rule.place_of)])
        return
    said = f"the directory has none for {place}" if place else "the place is not known"
    work.task(subject.pointer, "no-recipient", f"{rule.sentence} Nobody was told: {said}.")


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


def _note_undecided(work: _Work, facts: Facts, policy: Policy, accepted_at: datetime) -> None:
    """Note each agency that is not told because of something that nobody said."""
    day = accepted_at.astimezone(LONDON).date()
    everybody = (*facts.children, *facts.persons, *facts.roles)
    if not any(subject.unknown for subject in everybody):
        return
    for rule in policy.routing_rules:
        for subject in facts.subjects(rule.subject) if rule.is_in_effect(day) else ():
            for name in rule.condition.undecided_by(facts.about(subject)):
                code, words = _UNKNOWN[name]
                work.task(subject.pointer, code, words)


_UNKNOWN = {
    "role.works_with_children": (
        "works-with-children-unknown",
        "Nobody said whether this work is with children, so no designated officer is told: ask.",
    ),
    "person.managed_by": (
        "manager-unknown",
        "Nobody said who manages this person, so no offender manager is told: ask.",
    ),
    "person.other_force": (
        "person-area-unknown",
        "Nobody said where this person lives, so nobody there is told: ask.",
    ),
    "child.at_school": (
        "school-unknown",
        "The school has no URN, so no school is told: find out which one it is.",
    ),
    "child.placed_elsewhere": (
        "placing-authority-unknown",
        "The child is looked after, but nobody said by whom, so no authority is told: ask.",
    ),
}
"""The warning for each fact that may be unknown."""
_UNKNOWN_PLACES = {
    Place.PERSON_AREA: _UNKNOWN["person.other_force"],
    Place.PERSON_MANAGING_AREA: _UNKNOWN["person.other_force"],
}


def _note_delay(work: _Work, facts: Facts, policy: Policy, handed_in_at: datetime) -> None:
    """Warn when the police had known for longer than the policy allows for the stated grade."""
    grade, known_at = facts.overall.grade, facts.first_known_at
    longest = policy.promptness.get(grade)
    if longest is None or handed_in_at <= known_at + longest.by_the_clock:
        return
    days, hours = divmod(int((handed_in_at - known_at).total_seconds()) // 3600, 24)
    words = (
        f"The police had known for {days} days and {hours} hours when it was handed in; for "
        f"{_plain(grade)} at most {longest} are allowed."
    )
    work.warn("/times/first_known_at", "known-for-long", words)


def _note_assumptions(work: _Work, facts: Facts) -> None:
    for child in facts.children:
        if child.area_is_assumed:
            message = (
                "No area is known for this child, so it goes where another child is: check it."
            )
            work.warn(child.pointer, "area-assumed", message)


def _nobody(facts: Facts) -> str:
    everybody: tuple[ChildFacts | PersonFacts | RoleFacts, ...] = (
        *facts.children,
        *facts.persons,
        *facts.roles,
    )
    somewhere = any(subject.area for subject in everybody)
    return "no_recipient" if somewhere else "no_area"


def _plan(
    work: _Work,
    facts: Facts,
    reason: str | None,
    policy: Policy,
    accepted_at: datetime,
    raised: str | None,
) -> Plan:
    attend = (
        compute(ATTEND_WITHIN, start=accepted_at, calendar=policy.calendars["ENG"])
        if reason
        else None
    )
    return Plan(
        grade=facts.overall.grade,
        effective_grade=facts.overall.effective_grade,
        raised_because=raised,
        assignments=() if reason else _assignments(work, policy, raised),
        unroutable_reason=reason,
        attend_by=attend.due_at if attend else None,
        attend_words=attend.words if attend else None,
        warnings=tuple(work.warnings),
        tasks=tuple(work.tasks),
    )


def _assignments(work: _Work, policy: Policy, raised: str | None) -> tuple[Assignment, ...]:
    for draft in work.drafts.values():
        if raised:
            draft.because[raised] = None
    warn_at = policy.alarms.warn_at
    return tuple(finish(draft, warn_at=warn_at) for draft in work.drafts.values())


def _start(rule: RoutingRule, facts: Facts, accepted_at: datetime) -> Start:
    """Start a held leg's clock when the embargo ends, every other at once."""
    embargo, accepted = facts.embargo, accepted_at.astimezone(UTC)
    known_at = facts.first_known_at
    is_held = embargo is not None and not rule.held_by.isdisjoint(embargo.no_contact_with)
    if embargo and is_held and embargo.until > accepted_at:
        return Start(embargo.until, known_at, embargo.until, embargo.reason)
    return Start(accepted, known_at)


def _where(subject: SubjectFacts) -> list[str]:
    if isinstance(subject, ChildFacts) and subject.area:
        return [f"in {subject.area}, {subject.area_because}"]
    return []


def _called(subject: SubjectFacts) -> str:
    return f"{'child' if isinstance(subject, ChildFacts) else 'person'} {subject.id}"


def _plain(grade: Grade) -> str:
    return str(grade).replace("_", " ")
