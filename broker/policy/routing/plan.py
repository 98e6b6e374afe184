"""Routing: who gets which part of a referral, why, and by when. Values in, values out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from broker.domain.codes import Grade, Role
from broker.domain.task import EMBARGO_IN_WORDS, KNOWN_FOR_LONG, SUSPECT_AT_RECIPIENT, Task
from broker.errors import Fault, Remark
from broker.policy.language.directory import Directory
from broker.policy.language.evidence import pointers
from broker.policy.language.rules import GradeRule, RoutingRule
from broker.policy.language.vocabulary import FACTS, SOCIAL_CARE, SUBJECTS
from broker.policy.places.gazetteer import UNKNOWN
from broker.policy.published.policy import Policy
from broker.policy.routing.assignments import (
    UNTIL_RELEASED,
    Addressee,
    Assignment,
    Draft,
    Grounds,
    Reason,
    Start,
    Terms,
    finish,
)
from broker.policy.routing.facts import (
    ChildFacts,
    Facts,
    PersonFacts,
    RoleFacts,
    SubjectFacts,
    derive,
)
from broker.policy.routing.recipients import Recipient, find
from broker.policy.routing.wishes import (
    NOT_TO,
    doubtful_embargo,
    embargo_in_words,
    embargo_on,
    employs_suspect,
    is_forbidden,
    must_be_told,
    unmatched,
    words_hold,
)
from broker.policy.time.calendars import LONDON, in_words, on_the_wall
from broker.policy.time.deadlines import Within, compute
from schemas.codes import ConcernCategory, ContactNature, Place
from schemas.immutable import immutable
from schemas.referral import Referral

ATTEND_WITHIN = Within.parse("1 hour")
"""How long ops has for a referral whose recipient cannot be worked out."""
INTERVIEW_WITHIN = timedelta(hours=72)
"""From a missing child's return until it is offered an interview (statutory guidance, England)."""
_URGENCY = tuple(Grade)
_ROLES = "/persons_posing_risk"
"""Where it says at whom persons posing risk work."""


@immutable
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

    directory: Directory
    drafts: dict[tuple[str, str], Draft] = field(default_factory=dict)
    warnings: dict[Fault, None] = field(default_factory=dict)
    tasks: dict[Task, None] = field(default_factory=dict)
    stranded: str | None = None
    words_hold: bool = False
    """Whether an embargo stands in words alone and holds what an embargo may hold."""
    is_owned: bool = False
    """Whether one of the drafts makes somebody responsible, so that all of them may go."""

    def warn(self, pointer: str, code: str, message: str, needs: Grounds = ()) -> None:
        """Warn of something; ``needs`` is what else an agency must be shown to be told it."""
        fault = Remark(pointer, code, message, needs) if needs else Fault(pointer, code, message)
        self.warnings[fault] = None

    def task(self, pointer: str, code: str, message: str, needs: Grounds = ()) -> None:
        """Warn of something that a person in ops must settle as well."""
        self.warn(pointer, code, message, needs)
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
    work = _Work(policy.directory, warnings=dict.fromkeys(facts.doubts))
    facts, raised = _graded(facts, policy, work)
    work.words_hold = _do_words_hold(work, referral, facts, policy)
    for rule, subject in _matches(facts, policy, accepted_at):
        start = _start(work, rule, facts, accepted_at)
        _address(work, rule, subject, facts, find(rule, subject, facts, policy, now), start)
    _note_undecided(work, facts, policy, accepted_at)
    _note_delay(work, facts, policy, handed_in_at)
    _note_assumptions(work, facts)
    _note_children(work, facts)
    _note_wishes(work, referral, accepted_at)
    reason = None if _may_begin(work) else work.stranded or _nobody(facts)
    return _plan(work, facts, reason, policy, accepted_at, raised)


def _graded(facts: Facts, policy: Policy, work: _Work) -> tuple[Facts, Reason | None]:
    """Raise the grade where the facts say so, and warn where they contradict it."""
    stated = effective = facts.overall.grade
    raised, known = None, _known(facts)
    for rule in policy.grade_rules:
        holds = [subject for subject, about in known[rule.subject] if rule.condition.holds(about)]
        if not holds:
            continue
        grounds = tuple(_ground(rule.condition.names, subject, facts) for subject in holds)
        if rule.to is None:
            work.warn("/grade/level", "grade-contradiction", rule.sentence, grounds)
        elif _URGENCY.index(rule.to) < _URGENCY.index(effective):
            effective = rule.to
            grades = f"Graded {_plain(stated)}, treated as {_plain(effective)}"
            raised = Reason(grades, ((rule.sentence, grounds),))
    return (facts.graded(effective) if raised else facts), raised


def _known(facts: Facts) -> Mapping[str, Sequence[tuple[SubjectFacts, Mapping[str, SubjectFacts]]]]:
    """Return each subject with what is known about it, by kind: every rule asks for it."""
    return {
        kind: [(subject, facts.about(subject)) for subject in facts.subjects(kind)]
        for kind in SUBJECTS
    }


def _matches(
    facts: Facts, policy: Policy, accepted_at: datetime
) -> Iterator[tuple[RoutingRule, SubjectFacts]]:
    day = accepted_at.astimezone(LONDON).date()
    known = _known(facts)
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
        start = _held_from_suspect(work, rule, facts, recipient, start)
        draft = Draft(terms, Addressee.of(organisation, recipient.words, recipient.office), start)
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
    """Add a subject to a leg, and the other people whom the row lets the agency see."""
    draft.because[_reason(draft, rule, subject, facts)] = None
    match subject:
        case ChildFacts():
            draft.children[subject.id] = None
        case PersonFacts() | RoleFacts():
            draft.persons[subject.id] = None
    if "children" in rule.sees:
        draft.children.update(dict.fromkeys(child.id for child in facts.children))
    if "persons" in rule.sees:
        draft.persons.update(_persons_beside(subject, facts))


def _reason(draft: Draft, rule: RoutingRule, subject: SubjectFacts, facts: Facts) -> Reason:
    reasons = rule.condition.reasons(facts.about(subject))
    parts = [*_where(subject)]
    parts += [(words, (_ground((name,), subject, facts),)) for name, words in reasons]
    return Reason(
        of=_called(subject) if subject.id else "",
        parts=tuple(parts),
        needs=((subject.pointer,),) if subject.id else (),
        also="" if rule.id == draft.terms.row else rule.sentence,
    )


def _ground(names: tuple[str, ...], subject: SubjectFacts, facts: Facts) -> tuple[str, ...]:
    """Return the places of the referral that some facts about a subject rest on."""
    about = facts.about(subject)
    return pointers(names, tuple([(owner, fact.pointer) for owner, fact in about.items()]))


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
    if not is_forbidden(facts.not_to, rule, organisation, work.directory):
        return False
    ground = (_ground((*rule.condition.names, rule.place_of), subject, facts),)
    if must_be_told(rule):
        message = f"{organisation.name} leads, so it is told."
        work.warn(NOT_TO, "disclosure-required", message, ground)
        return False
    message = f"{organisation.name} is not told, as the publisher asked."
    work.warn(NOT_TO, "not-disclosed", message, ground)
    return True


def _held_from_suspect(
    work: _Work, rule: RoutingRule, facts: Facts, recipient: Recipient, start: Start
) -> Start:
    """Hold a leg for a person's decision where a person posing risk works at its recipient."""
    organisation = recipient.organisation
    if not employs_suspect(facts.employers, rule, organisation):
        return start
    work.task(
        _ROLES,
        SUSPECT_AT_RECIPIENT,
        f"A person posing risk works or volunteers at {organisation.name}. Its part is held until "
        "somebody decides whom there may be told.",
        ((_ROLES, *(f"{role.pointer}/organisation" for role in facts.roles)),),
    )
    return Start(
        start.at,
        start.known_at,
        UNTIL_RELEASED,
        "A person posing risk works there.",
        SUSPECT_AT_RECIPIENT,
    )


def _may_begin(work: _Work) -> bool:
    """Tell whether what is certain goes at once, though somebody in it has no owner yet.

    So it does where an agency leads, or responsible social care or a national agency has a part. A
    school or a health team alone is not told before social care is.
    """
    return work.is_owned if work.stranded else bool(work.drafts)


def _note_nobody(work: _Work, rule: RoutingRule, subject: SubjectFacts, facts: Facts) -> None:
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
    work.task(subject.pointer, "no-recipient", message, (_ground(names, subject, facts),))


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
    """Note each agency that is not told, and each grade not raised, for what nobody said."""
    day = accepted_at.astimezone(LONDON).date()
    everybody = (facts.overall, *facts.children, *facts.persons, *facts.roles)
    unknown = frozenset().union(*(subject.unknown for subject in everybody))
    if not unknown:
        return
    rules: list[GradeRule | RoutingRule] = [*_might_raise(policy, facts)]
    rules += [rule for rule in policy.routing_rules if rule.is_in_effect(day)]
    for rule in rules:
        if rule.condition.facts.isdisjoint(unknown):
            continue
        for subject in facts.subjects(rule.subject):
            for name in rule.condition.undecided_by(facts.about(subject)):
                _note_unknown(work, subject, name, facts)


def _might_raise(policy: Policy, facts: Facts) -> Iterator[GradeRule]:
    """Go through the rules that would warn of a grade, or make it more urgent than it is."""
    effective = _URGENCY.index(facts.overall.effective_grade)
    for rule in policy.grade_rules:
        if rule.to is None or _URGENCY.index(rule.to) < effective:
            yield rule


def _note_unknown(work: _Work, subject: SubjectFacts, name: str, facts: Facts) -> None:
    code, words = "fact-unknown", _ANY_UNKNOWN.format(FACTS[name].words)
    if name in _UNKNOWN:
        code, words = _UNKNOWN[name]
    owner = facts.about(subject).get(name.partition(".")[0], subject)
    pointer = owner.pointer if isinstance(owner, SubjectFacts) else subject.pointer
    work.task(pointer, code, words)


_ANY_UNKNOWN = "Nobody said whether {}, and it decides who is told or by when: ask."
_CONTACT_UNKNOWN = (
    "contact-unknown",
    "Nobody said what contact the child has with a person posing risk, and for this grade it "
    "matters: ask.",
)
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
    "person.age": (
        "person-age-unknown",
        "Nobody said how old this person is. Someone under 18 is first of all a child who needs "
        "help, of whom social care is told: ask.",
    ),
    "child.age": (
        "child-age-unknown",
        "Nobody said how old the child is. Of a child under five a health team is told: ask.",
    ),
    "child.missing": (
        "missing-unknown",
        "Nobody said whether the child is missing, which makes it more urgent: ask.",
    ),
    "child.returned": (
        "missing-unknown",
        "Nobody said whether the child is missing, which makes it more urgent: ask.",
    ),
    "child.lives_with_suspect": _CONTACT_UNKNOWN,
    "child.meets_suspect": _CONTACT_UNKNOWN,
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
    """Note that the police had known for longer than the policy allows for the stated grade."""
    grade, known_at = facts.overall.grade, facts.first_known_at
    longest = policy.promptness.get(grade)
    if longest is None or handed_in_at <= known_at + longest.by_the_clock:
        return
    known_for, allowed = _length(handed_in_at - known_at), _length(longest.by_the_clock)
    words = (
        f"The police knew for {known_for} before it was handed in. The policy allows {allowed} at "
        f"the grade {_plain(grade)}."
    )
    work.task("/times/first_known_at", KNOWN_FOR_LONG, words)


def _length(time: timedelta) -> str:
    """Return a length of time in days and hours, such as ``2 days and 1 hour``."""
    days, hours = divmod(int(time.total_seconds()) // 3600, 24)
    counts = ((days, "day"), (hours, "hour"))
    parts = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in counts if count]
    return " and ".join(parts) or "less than an hour"


def _note_assumptions(work: _Work, facts: Facts) -> None:
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


def _note_children(work: _Work, facts: Facts) -> None:
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
        return f"The child was missing and is back: {_INTERVIEW} its return. Nobody said when: ask."
    back, due = child.returned_at, child.returned_at + INTERVIEW_WITHIN
    return (
        f"The child was missing and came back on {_at(back)}: {_INTERVIEW} that, so by {_at(due)}."
    )


def _at(instant: datetime) -> str:
    return f"{in_words(instant.astimezone(LONDON).date())}, {on_the_wall(instant)}"


_INTERVIEW = (
    "in England the authority that is responsible for it offers it an interview within 72 hours of"
)
_NO_AGE = (
    "Nobody said how old this person is, and no child is listed. If it is a child, list it under "
    "the children: ask."
)


def _note_wishes(work: _Work, referral: Referral, accepted_at: datetime) -> None:
    """Note wishes of the publisher that nothing obeys, or that look mistaken."""
    for remarked in unmatched(referral.handling.do_not_disclose_to, work.directory):
        work.warn(*remarked)
    for remarked in doubtful_embargo(referral.handling, accepted_at):
        work.warn(*remarked)


def _do_words_hold(work: _Work, referral: Referral, facts: Facts, policy: Policy) -> bool:
    """Note an embargo that stands in words alone, and tell whether it holds anything."""
    for remarked in embargo_in_words(referral.handling):
        work.task(*remarked)
    grade, goes_despite_words = facts.overall.effective_grade, policy.embargoes.goes_despite_words
    return words_hold(referral.handling, grade, goes_despite_words)


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
    raised: Reason | None,
) -> Plan:
    attend = (
        compute(ATTEND_WITHIN, start=accepted_at, calendar=policy.calendars["ENG"])
        if reason
        else None
    )
    return Plan(
        grade=facts.overall.grade,
        effective_grade=facts.overall.effective_grade,
        raised_because=str(raised) if raised else None,
        assignments=() if reason else _assignments(work, policy, raised),
        unroutable_reason=reason,
        attend_by=attend.due_at if attend else None,
        attend_words=attend.words if attend else None,
        warnings=tuple(work.warnings),
        tasks=tuple(work.tasks),
    )


def _assignments(work: _Work, policy: Policy, raised: Reason | None) -> tuple[Assignment, ...]:
    for draft in work.drafts.values():
        if raised:
            draft.because[raised] = None
    warn_at = policy.alarms.warn_at
    return tuple(finish(draft, warn_at=warn_at) for draft in work.drafts.values())


def _start(work: _Work, rule: RoutingRule, facts: Facts, accepted_at: datetime) -> Start:
    """Start a held leg's clock when the embargo ends, every other at once.

    What words alone hold has no end: a person releases it.
    """
    accepted, known_at = accepted_at.astimezone(UTC), facts.first_known_at
    embargo = embargo_on(rule, facts.embargo, accepted)
    if embargo is not None:
        return Start(embargo.until, known_at, embargo.until, embargo.reason)
    if rule.held_by and work.words_hold:
        words = "An embargo is given in words only."
        return Start(accepted, known_at, UNTIL_RELEASED, words, EMBARGO_IN_WORDS)
    return Start(accepted, known_at)


def _where(subject: SubjectFacts) -> list[tuple[str, Grounds]]:
    """Return where a child is, in words, with what that rests on."""
    if not isinstance(subject, ChildFacts) or not subject.area:
        return []
    if subject.area == subject.home_area:
        fields = ["area"]
    else:
        fields = ["address", "area", "found_area", "lives_with", "placing_authority"]
    ground = tuple(f"{subject.pointer}/{name}" for name in fields)
    return [(f"in {subject.area}, {subject.area_because}", (ground,))]


def _called(subject: SubjectFacts) -> str:
    return f"{'child' if isinstance(subject, ChildFacts) else 'person'} {subject.id}"


def _plain(grade: Grade) -> str:
    return str(grade).replace("_", " ")
