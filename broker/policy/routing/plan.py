"""Routing: who gets which part of a referral, why, and by when. Values in, values out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from operator import itemgetter

from broker.domain.codes import Grade, Role
from broker.domain.task import (
    SUSPECT_AT_RECIPIENT,
    WISH_IN_DOUBT,
    Task,
)
from broker.errors import Fault
from broker.policy.language.rules import RoutingRule
from broker.policy.language.vocabulary import SOCIAL_CARE
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
from broker.policy.routing.gaps import (
    note_assumptions,
    note_children,
    note_delay,
    note_doubt,
    note_nobody,
    note_undecided,
    note_wishes,
)
from broker.policy.routing.recipients import Recipient, find
from broker.policy.routing.wishes import (
    NOT_TO,
    embargo_on,
    employs_suspect,
    is_forbidden,
    may_be_forbidden,
    may_employ_suspect,
    must_be_told,
)
from broker.policy.routing.work import URGENCY, Known, Match, Work, ground_of, judge, plain
from broker.policy.time.calendars import LONDON
from broker.policy.time.deadlines import Within, compute
from schemas.codes import ContactNature, Place
from schemas.immutable import immutable
from schemas.referral import Referral

ATTEND_WITHIN = Within.parse("1 hour")
"""How long ops has for a referral whose recipient cannot be worked out."""
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


def route(  # noqa: PLR0913 - each is a fact about the hand-in
    referral: Referral,
    *,
    publisher: str,
    policy: Policy,
    accepted_at: datetime,
    now: datetime,
    areas: Mapping[str, str],
    handed_in_at: datetime | None = None,
    unread_handling: Sequence[str] = (),
) -> Plan:
    """Decide who gets a referral.

    ``unread_handling`` are the places that say how to treat it and could not be read.

    Clocks start when it was accepted, also when its areas (local id to code) became known later;
    ``now`` only tells whether an office is open. Ages, and how long the police had known, are those
    of ``handed_in_at``, which for a correction is when the first version came.
    """
    handed_in_at = handed_in_at or accepted_at
    day = accepted_at.astimezone(LONDON).date()
    is_first = handed_in_at == accepted_at
    facts = derive(
        referral,
        publisher=publisher,
        directory=policy.directory,
        gazetteer=policy.gazetteer,
        on=day,
        ages_on=day if is_first else handed_in_at.astimezone(LONDON).date(),
        areas=areas,
    )
    work = Work(policy.directory, warnings=dict.fromkeys(facts.doubts))
    known = judge(facts, policy.matches)
    facts, raised = _graded(known, facts, policy, work)
    if raised:
        known = judge(facts, policy.matches)
    work.doubt = note_doubt(work, referral, facts, policy, unread_handling)
    work.obeys_doubt = facts.overall.effective_grade not in policy.embargoes.goes_despite_words
    for match in _matches(known, policy, day):
        rule, subject = match.rule, match.subject
        start = _start(work, rule, facts, accepted_at)
        _address(work, match, facts, find(rule, subject, facts, policy, now), start)
    note_undecided(work, known, facts, policy, day)
    note_delay(work, facts, policy, handed_in_at)
    note_assumptions(work, facts)
    note_children(work, facts)
    note_wishes(work, referral, accepted_at)
    reason = None if _may_begin(work) else work.stranded or _nobody(facts)
    return _plan(work, facts, reason, policy, accepted_at, raised)


def _graded(known: Known, facts: Facts, policy: Policy, work: Work) -> tuple[Facts, Reason | None]:
    """Raise the grade where the facts say so, and warn where they contradict it."""
    stated = effective = facts.overall.grade
    raised = None
    holding: dict[int, list[SubjectFacts]] = {}
    for subject, judged in known:
        for number in judged.grades:
            holding.setdefault(number, []).append(subject)
    for number in sorted(holding):
        rule = policy.grade_rules[number]
        grounds = tuple(
            ground_of(rule.condition.names, subject, facts) for subject in holding[number]
        )
        if rule.to is None:
            work.warn("/grade/level", "grade-contradiction", rule.sentence, grounds)
        elif URGENCY.index(rule.to) < URGENCY.index(effective):
            effective = rule.to
            grades = f"Graded {plain(stated)}, treated as {plain(effective)}"
            raised = Reason(grades, ((rule.sentence, grounds),))
    return (facts.graded(effective) if raised else facts), raised


def _matches(known: Known, policy: Policy, day: date) -> Iterator[Match]:
    """Go through the rules that are in effect and hold, in their order in the policy."""
    holding = [
        (number, subject, reasons) for subject, judged in known for number, reasons in judged.routes
    ]
    for number, subject, reasons in sorted(holding, key=itemgetter(0)):
        rule = policy.routing_rules[number]
        if rule.is_in_effect(day):
            yield Match(rule, subject, reasons)


def _address(
    work: Work, match: Match, facts: Facts, recipient: Recipient | None, start: Start
) -> None:
    """Add what a row found to the leg of its recipient, or note why there is none."""
    rule, subject = match.rule, match.subject
    if recipient is None:
        note_nobody(work, rule, subject, facts)
        return
    organisation = recipient.organisation
    if recipient.is_publisher or _is_kept_from(work, rule, subject, facts, recipient):
        return
    office = recipient.office.code if recipient.office else ""
    draft = _covering(work, rule, subject, organisation.code, office)
    if draft is None:
        terms = Terms.of(rule, facts.overall.effective_grade)
        start = _held_in_doubt(work, rule, subject, facts, recipient, start)
        start = _held_from_suspect(work, rule, facts, recipient, start)
        draft = Draft(terms, Addressee.of(organisation, recipient.words, recipient.office), start)
        work.drafts[organisation.code, rule.id, office] = draft
        is_responsible = rule.kind == SOCIAL_CARE or rule.place_of == Place.ANYWHERE
        work.is_owned |= rule.role is Role.LEAD or is_responsible
    _include(draft, match, facts)


def _covering(
    work: Work, rule: RoutingRule, subject: SubjectFacts, agency: str, office: str
) -> Draft | None:
    """Return the leg that is extended: of the same row, or one that shows the subject already."""
    if draft := work.drafts.get((agency, rule.id, office)):
        return draft
    for (code, _, closed), draft in work.drafts.items():
        if code != agency or closed != office:
            continue
        is_shown, terms = subject.id in draft.children or subject.id in draft.persons, draft.terms
        if is_shown and (terms.view, terms.role) == (rule.view, rule.role):
            return draft
    return None


def _include(draft: Draft, match: Match, facts: Facts) -> None:
    """Add a subject to a leg, and the other people whom the row lets the agency see."""
    rule, subject = match.rule, match.subject
    draft.because[_reason(draft, match, facts)] = None
    match subject:
        case ChildFacts():
            draft.children[subject.id] = None
        case PersonFacts() | RoleFacts():
            draft.persons[subject.id] = None
    if "children" in rule.sees:
        draft.children.update(dict.fromkeys(child.id for child in facts.children))
    if "persons" in rule.sees:
        draft.persons.update(_persons_beside(subject, facts))


def _reason(draft: Draft, match: Match, facts: Facts) -> Reason:
    rule, subject = match.rule, match.subject
    parts = [*_where(subject)]
    parts += [(words, (ground_of((name,), subject, facts),)) for name, words in match.reasons]
    return Reason(
        of=_called(subject) if subject.id else "",
        parts=tuple(parts),
        needs=((subject.pointer,),) if subject.id else (),
        also="" if rule.id == draft.terms.row else rule.sentence,
    )


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
    work: Work, rule: RoutingRule, subject: SubjectFacts, facts: Facts, recipient: Recipient
) -> bool:
    """Tell whether the publisher forbade this recipient; never so for the lead of social care."""
    organisation = recipient.organisation
    if not is_forbidden(facts.not_to, rule, organisation, work.directory):
        return False
    ground = (ground_of((*rule.condition.names, rule.place_of), subject, facts),)
    if must_be_told(rule):
        message = f"{organisation.name} leads, so it is told."
        work.warn(NOT_TO, "disclosure-required", message, ground)
        return False
    message = f"{organisation.name} is not told, as the publisher asked."
    work.warn(NOT_TO, "not-disclosed", message, ground)
    return True


def _held_in_doubt(
    work: Work,
    rule: RoutingRule,
    subject: SubjectFacts,
    facts: Facts,
    recipient: Recipient,
    start: Start,
) -> Start:
    """Hold a leg for a person's decision where a wish may mean its recipient, in other words."""
    organisation = recipient.organisation
    if not may_be_forbidden(facts.not_to, rule, organisation, work.directory):
        return start
    held = "Its part is held" if work.obeys_doubt else "It is told, because it is urgent"
    work.task(
        NOT_TO,
        WISH_IN_DOUBT,
        f"The publisher may have asked that {organisation.name} is not told, in words that are "
        f"not quite its name. {held}: ask.",
        (ground_of((*rule.condition.names, rule.place_of), subject, facts),),
    )
    if not work.obeys_doubt:
        return start
    words = "The publisher may have asked that it is not told."
    return Start(start.at, start.known_at, UNTIL_RELEASED, words, WISH_IN_DOUBT)


def _held_from_suspect(
    work: Work, rule: RoutingRule, facts: Facts, recipient: Recipient, start: Start
) -> Start:
    """Hold a leg for a person's decision where a person posing risk works at its recipient."""
    organisation = recipient.organisation
    is_there = employs_suspect(facts.employers, organisation)
    if not is_there and not may_employ_suspect(facts.employers, organisation, work.directory):
        return start
    works = "works or volunteers" if is_there else "may work or volunteer"
    work.task(
        _ROLES,
        SUSPECT_AT_RECIPIENT,
        f"A person posing risk {works} at {organisation.name}. Its part is held until "
        "somebody decides whom there may be told.",
        ((_ROLES, *(f"{role.pointer}/organisation" for role in facts.roles)),),
    )
    return Start(
        start.at,
        start.known_at,
        UNTIL_RELEASED,
        f"A person posing risk {works} there.",
        SUSPECT_AT_RECIPIENT,
    )


def _may_begin(work: Work) -> bool:
    """Tell whether what is certain goes at once, though somebody in it has no owner yet.

    So it does where an agency leads, or responsible social care or a national agency has a part. A
    school or a health team alone is not told before social care is.
    """
    return work.is_owned if work.stranded else bool(work.drafts)


def _nobody(facts: Facts) -> str:
    everybody: tuple[ChildFacts | PersonFacts | RoleFacts, ...] = (
        *facts.children,
        *facts.persons,
        *facts.roles,
    )
    somewhere = any(subject.area for subject in everybody)
    return "no_recipient" if somewhere else "no_area"


def _plan(
    work: Work,
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


def _assignments(work: Work, policy: Policy, raised: Reason | None) -> tuple[Assignment, ...]:
    for draft in work.drafts.values():
        if raised:
            draft.because[raised] = None
    warn_at = policy.alarms.warn_at
    return tuple(finish(draft, warn_at=warn_at) for draft in work.drafts.values())


def _start(work: Work, rule: RoutingRule, facts: Facts, accepted_at: datetime) -> Start:
    """Start a held leg's clock when the embargo ends, every other at once.

    What words alone hold has no end: a person releases it.
    """
    accepted, known_at = accepted_at.astimezone(UTC), facts.first_known_at
    embargo = embargo_on(rule, facts.embargo, accepted)
    if embargo is not None:
        return Start(embargo.until, known_at, embargo.until, embargo.reason)
    if rule.held_by and work.doubt:
        code, words = work.doubt
        return Start(accepted, known_at, UNTIL_RELEASED, words, code)
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
