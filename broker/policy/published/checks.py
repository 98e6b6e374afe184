"""What must hold of a policy as a whole, beyond each line being well formed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from itertools import pairwise

from broker.domain.codes import Milestone, NoticeRecipient, Role
from broker.errors import BeyondCalendar, Fault
from broker.policy.language.directory import Area, Directory, Organisation
from broker.policy.language.rules import GradeRule, RoutingRule
from broker.policy.language.views import View
from broker.policy.language.vocabulary import FORCE, SOCIAL_CARE, Value
from broker.policy.monitoring.alarms import AlarmRules, EscalationPolicy, Step
from broker.policy.monitoring.silence import Silence
from broker.policy.places.gazetteer import Gazetteer
from broker.policy.places.place import Place
from broker.policy.time.calendars import WorkingCalendar, in_words
from broker.policy.time.deadlines import Unit, Within, exact
from schemas.codes import Nation
from schemas.codes import Place as RecipientPlace

_WORKING_DAY = Within(1, Unit.WORKING_DAY)
_ENGLAND = "Working Together to Safeguard Children"
_WALES = "Wales Safeguarding Procedures"
_SCOTLAND = "National Guidance for Child Protection in Scotland"
_NORTHERN_IRELAND = "Regional Core Child Protection Policies and Procedures"
STATUTORY: Mapping[tuple[str, str, Role, Milestone], tuple[Within, str]] = {
    ("ENG", SOCIAL_CARE, Role.LEAD, Milestone.ACKNOWLEDGE): (_WORKING_DAY, _ENGLAND),
    ("ENG", SOCIAL_CARE, Role.LEAD, Milestone.DECIDE): (_WORKING_DAY, _ENGLAND),
    ("ENG", "lado", Role.LEAD, Milestone.ACKNOWLEDGE): (_WORKING_DAY, _ENGLAND),
    ("WLS", SOCIAL_CARE, Role.LEAD, Milestone.DECIDE): (_WORKING_DAY, _WALES),
    ("WLS", "lado", Role.LEAD, Milestone.ACKNOWLEDGE): (_WORKING_DAY, _WALES),
    ("SCT", SOCIAL_CARE, Role.LEAD, Milestone.DECIDE): (_WORKING_DAY, _SCOTLAND),
    ("NIR", SOCIAL_CARE, Role.LEAD, Milestone.DECIDE): (
        Within(24, Unit.CALENDAR_HOUR),
        _NORTHERN_IRELAND,
    ),
}
"""The longest time that guidance leaves in a nation; a row for it may be shorter, never longer."""
_EVERYWHERE = (SOCIAL_CARE, FORCE)
_WITHOUT_AREA = (RecipientPlace.ANYWHERE, RecipientPlace.CHILD_SCHOOL)
_TRIED_FROM = datetime(2026, 12, 14, tzinfo=UTC)
_TRIED_STARTS = 3 * 7 * 24
"""Every hour of three weeks with Christmas in them: enough to see which of two lengths is longer"""


def check(
    directory: Directory,
    rows: Sequence[RoutingRule],
    grade_rules: Sequence[GradeRule],
    views: Mapping[str, View],
    calendars: Mapping[str, WorkingCalendar],
) -> Iterator[Fault]:
    """Find what is wrong with a policy as a whole; each fault points at ``file:line``."""
    yield from _repeats([*rows, *grade_rules])
    for rule in rows:
        yield from _row(rule, directory, views)
        yield from _too_long(rule, calendars)
    yield from check_organisations(directory.organisations, directory, rows)
    for kind in directory.kinds.values():
        if kind.view and kind.view not in views:
            yield Fault(kind.place, "unknown-name", f"There is no view {kind.view!r}.")
    yield from check_coverage(directory.areas.values(), directory)


def check_organisations(
    organisations: Iterable[Organisation], directory: Directory, rows: Sequence[RoutingRule]
) -> Iterator[Fault]:
    """Find organisations of a directory that lack what the rules ask of them."""
    by_area = {rule.kind for rule in rows if rule.place_of not in _WITHOUT_AREA}
    for organisation in organisations:
        yield from _organisation(organisation, directory, by_area)


def check_places(directory: Directory, gazetteer: Gazetteer) -> Iterator[Fault]:
    """Find areas that do not exist, or that are not those that an organisation is looked up by.

    It keeps a policy from being published, but not an older one from being read.
    """
    for area in directory.areas.values():
        yield from _area(area.code, area.place, gazetteer)
    yield from check_areas_of(directory.organisations, gazetteer)


def check_areas_of(organisations: Iterable[Organisation], gazetteer: Gazetteer) -> Iterator[Fault]:
    """Find organisations whose areas do not exist, or that are not looked up by them."""
    for organisation in organisations:
        for code in organisation.areas:
            yield from _area(code, organisation.place, gazetteer)


def _area(code: str, place: str, gazetteer: Gazetteer) -> Iterator[Fault]:
    known = gazetteer.place(code)
    if known is None:
        yield Fault(place, "unknown-name", f"There is no area {code!r}.")
    elif known.areas != (code,):
        instead = " or ".join(known.areas) or "the codes of its authorities"
        message = f"{known.said} is no authority for children's services: write {instead}."
        yield Fault(place, "unknown-name", message)


def unserved(directory: Directory, gazetteer: Gazetteer) -> list[Place]:
    """Return the authorities of the gazetteer that no social care of the directory serves."""
    served = {
        area
        for organisation in directory.organisations
        if organisation.kind == SOCIAL_CARE
        for area in organisation.areas
    }
    return [place for code, place in gazetteer.authorities.items() if code not in served]


def check_alarms(alarms: AlarmRules, directory: Directory) -> Iterator[Fault]:
    """Find ladders that contradict each other or end nowhere."""
    seen: dict[str, str] = {}
    for escalation_policy in alarms.escalation_policies.values():
        for subject in sorted(escalation_policy.subjects):
            if other := seen.get(subject):
                message = f"{subject} has the escalation policy {other!r} already."
                yield Fault(escalation_policy.place, "duplicate", message)
            seen[subject] = escalation_policy.name
        for step in escalation_policy.steps:
            yield from _reachable(step, escalation_policy, directory)


def _reachable(
    step: Step, escalation_policy: EscalationPolicy, directory: Directory
) -> Iterator[Fault]:
    """Find a step to ops that reaches nobody: it is the last that a child has."""
    if step.to is not NoticeRecipient.OPS:
        return
    addresses = [
        organisation.contacts.get(step.contact, {})
        for organisation in directory.organisations
        if organisation.kind == "ops"
    ]
    if not any(channel in known for known in addresses for channel in step.by):
        message = f"Nobody of kind 'ops' has a contact {step.contact} for {', '.join(step.by)}."
        yield Fault(escalation_policy.place, "nobody", message)


def check_silence(silence: Silence, directory: Directory, place: str) -> Iterator[Fault]:
    """Find rules about silence for somebody whom the directory does not know."""
    known = {*directory.kinds, *(organisation.code for organisation in directory.organisations)}
    for name in sorted({*silence.sending, *silence.collecting} - known):
        message = f"{name!r} under 'silence' is no organisation's code and no kind of organisation."
        yield Fault(place, "unknown-name", message)


def _repeats(named: Iterable[RoutingRule | GradeRule]) -> Iterator[Fault]:
    seen: set[str] = set()
    for rule in named:
        if rule.id in seen:
            yield Fault(rule.place, "duplicate", f"There is another row {rule.id!r}.")
        seen.add(rule.id)


def _row(rule: RoutingRule, directory: Directory, views: Mapping[str, View]) -> Iterator[Fault]:
    if rule.view and rule.view not in views:
        yield Fault(rule.place, "unknown-name", f"There is no view {rule.view!r} in views.yaml.")
    yield from check_kind_of(rule, directory)
    if rule.role is Role.LEAD and rule.kind == SOCIAL_CARE and rule.held_by:
        yield Fault(rule.place, "lead-held", "An embargo never holds the lead of social care.")
    if rule.effective_until and rule.effective_until < rule.effective_from:
        yield Fault(rule.place, "never-in-effect", "This row ends before it begins.")


def check_kind_of(rule: RoutingRule, directory: Directory) -> Iterator[Fault]:
    """Find a rule for a kind of which there is nobody."""
    if rule.kind and not directory.has_kind(rule.kind):
        message = f"The directory has no organisation of kind {rule.kind!r}."
        yield Fault(rule.place, "nobody", message)


def _too_long(rule: RoutingRule, calendars: Mapping[str, WorkingCalendar]) -> Iterator[Fault]:
    """Find a deadline that could end later than the longest that is allowed in a nation."""
    nations = _nations(rule)
    for (nation, kind, role, milestone), longest in STATUTORY.items():
        if nation in nations and (kind, role) == (rule.kind, rule.role):
            yield from _longer(rule, milestone, longest, calendars[nation])


def _nations(rule: RoutingRule) -> set[Value]:
    """Return the nations for which a row holds; one that names none is written for England."""
    names = rule.condition.names
    fact = next((name for name in names if name.endswith(".nation")), None)
    if fact is None:
        return {str(Nation.ENGLAND)}
    return {case[names.index(fact)] for case in rule.condition.holding}


def _longer(
    rule: RoutingRule, milestone: Milestone, longest: tuple[Within, str], office: WorkingCalendar
) -> Iterator[Fault]:
    within, source = longest
    for grade, milestones in rule.deadlines.items():
        if milestone not in milestones:
            message = f"{grade}: {source} asks for a deadline to {milestone}."
            yield Fault(rule.place, "deadline-missing", message)
        elif can_be_later(milestones[milestone].within, within, office):
            allowed = milestones[milestone].within
            message = f"{grade}: {milestone} within {allowed} can be later than {within}"
            yield Fault(rule.place, "deadline-relaxed", f"{message}: see {source}.")
        elif milestones[milestone].may_pause:
            message = f"{grade}: a clock that {source} sets is never paused: {milestone}."
            yield Fault(rule.place, "deadline-relaxed", message)


@lru_cache(maxsize=256)
def can_be_later(within: Within, other: Within, office: WorkingCalendar) -> bool:
    """Tell whether one length of time ever ends after another that starts with it."""
    starts = [_TRIED_FROM + timedelta(hours=hours) for hours in range(_TRIED_STARTS)]
    try:
        return any(
            exact(within, start=start, calendar=office).due_at
            > exact(other, start=start, calendar=office).due_at
            for start in starts
        )
    except BeyondCalendar:
        return True


def _organisation(
    organisation: Organisation, directory: Directory, by_area: set[str]
) -> Iterator[Fault]:
    partner = organisation.out_of_hours_partner
    if partner and directory.organisation(partner) is None:
        yield Fault(organisation.place, "unknown-name", f"There is no partner {partner!r}.")
    if organisation.kind == SOCIAL_CARE and not partner:
        yield Fault(organisation.place, "missing", "Social care needs an 'out_of_hours_partner'.")
    if organisation.kind in by_area and not organisation.areas:
        message = f"An organisation of kind {organisation.kind!r} needs 'areas'."
        yield Fault(organisation.place, "missing", message)
    if organisation.effective_until and organisation.effective_until < organisation.effective_from:
        yield Fault(organisation.place, "never-in-effect", "This entry ends before it begins.")


def check_coverage(areas: Iterable[Area], directory: Directory) -> Iterator[Fault]:
    """Find areas that nobody covers, and times between two entries that nobody covers."""
    for area in areas:
        for kind in _EVERYWHERE:
            serving = directory.ever_serving(kind, area.code)
            if not serving:
                message = f"Nobody of kind {kind!r} covers {area.name} ({area.code})."
                yield Fault(area.place, "not-covered", message)
            yield from _gaps(
                sorted(serving, key=lambda organisation: organisation.effective_from), area.name
            )


def _gaps(serving: Sequence[Organisation], area: str) -> Iterator[Fault]:
    for earlier, later in pairwise(serving):
        ends = earlier.effective_until
        if ends is None:
            message = f"{earlier.code} covers {area} too: end one before the other begins."
            yield Fault(later.place, "overlap", message)
        elif later.effective_from > ends + timedelta(days=1):
            message = f"Nobody covers {area} after {in_words(ends)}: begin the next day."
            yield Fault(later.place, "gap", message)
        elif later.effective_from <= ends:
            yield Fault(later.place, "overlap", f"{earlier.code} covers {area} until later.")
    if serving and serving[-1].effective_until is not None:
        message = f"Nobody covers {area} after {in_words(serving[-1].effective_until)}."
        yield Fault(serving[-1].place, "gap", message)
