"""What changes from one policy to another, in words, one sentence for each change."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, TypeVar

from broker.domain.codes import Grade, Milestone
from broker.policy.language.conditions import Condition
from broker.policy.language.directory import Area, Organisation
from broker.policy.language.rules import Clock, GradeRule, RoutingRule
from broker.policy.language.views import Tree, View
from broker.policy.language.vocabulary import FACTS
from broker.policy.published.checks import can_be_later
from broker.policy.published.policy import Policy
from broker.policy.time.calendars import (
    BankHolidays,
    Hours,
    WorkingCalendar,
    in_words,
    window_said,
)
from schemas.names import name_of

T = TypeVar("T")
_MOST_CASES = 20_000
_LISTED = 6
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
Said = tuple[str, str | None]
"""A sentence, and its effect in a word where it has one."""


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between two policies."""

    of: str
    """What it concerns, such as ``row school`` or ``organisation stoke-csc``."""
    kind: str
    """``added``, ``removed`` or ``changed``."""
    words: str
    effect: str | None = None
    """``shorter`` or ``longer`` of a deadline, ``gained`` or ``lost`` of a field, area or day."""


def compare(old: Policy, new: Policy) -> list[Change]:
    """Return every change, in the order rows, grades, views, areas, organisations, calendars."""
    office = new.calendars["ENG"]

    def row(before: RoutingRule, after: RoutingRule) -> Iterator[Said]:
        return _row(before, after, office)

    def organisations(policy: Policy) -> dict[str, Organisation]:
        return {organisation.code: organisation for organisation in policy.directory.organisations}

    def days(policy: Policy) -> dict[str, BankHolidays]:
        return {nation: calendar.bank_holidays for nation, calendar in policy.calendars.items()}

    return [
        *_each("row", _by_id(old.routing_rules), _by_id(new.routing_rules), _row_said, row),
        *_each(
            "grade rule", _by_id(old.grade_rules), _by_id(new.grade_rules), _sentence, _grade_rule
        ),
        *_each("view", old.views, new.views, _sentence, _view),
        *_each("area", old.directory.areas, new.directory.areas, _area_said, _area),
        *_each(
            "organisation",
            organisations(old),
            organisations(new),
            _organisation_said,
            _organisation,
        ),
        *_each("bank holidays", days(old), days(new), _holidays_said, _holidays),
        *_rest(old, new),
    ]


def _each(
    kind: str,
    old: Mapping[str, T],
    new: Mapping[str, T],
    describe: Callable[[T], str],
    changed: Callable[[T, T], Iterator[Said]],
) -> Iterator[Change]:
    """Compare things by their names: those that are gone, are new, or have changed."""
    for name in [name for name in old if name not in new]:
        yield Change(f"{kind} {name}", "removed", describe(old[name]))
    for name, after in new.items():
        if name not in old:
            yield Change(f"{kind} {name}", "added", describe(after))
            continue
        for text, effect in changed(old[name], after):
            yield Change(f"{kind} {name}", "changed", text, effect)


def _row(before: RoutingRule, after: RoutingRule, office: WorkingCalendar) -> Iterator[Said]:
    if text := _condition(before.condition, after.condition):
        yield text, None
    if (before.kind, before.place_of) != (after.kind, after.place_of):
        yield f"goes to {_to(after)}, no longer to {_to(before)}", None
    yield from _deadlines(before, after, office)
    yield from _plain(
        before, after, ("id", "place", "condition", "kind", "place_of", "deadlines", "view")
    )
    if before.view != after.view:
        yield f"is shown through the view {after.view}, no longer {before.view}", None


def _deadlines(before: RoutingRule, after: RoutingRule, office: WorkingCalendar) -> Iterator[Said]:
    """Say what becomes of each deadline, grades with the same change together."""
    changes: dict[Said, list[str]] = {}
    for grade in Grade:
        was, now = before.deadlines.get(grade, {}), after.deadlines.get(grade, {})
        for milestone in Milestone:
            if change := _deadline(milestone, was.get(milestone), now.get(milestone), office):
                changes.setdefault(change, []).append(str(grade))
    for (text, effect), grades in changes.items():
        listed = "every grade" if len(grades) == len(Grade) else ", ".join(grades)
        yield f"{text} ({listed})", effect


def _deadline(
    milestone: Milestone, was: Clock | None, now: Clock | None, office: WorkingCalendar
) -> Said | None:
    if str(was) == str(now):
        return None
    if was is None:
        return f"{milestone} has a deadline now: {now}", "shorter"
    if now is None:
        return f"{milestone} has no deadline any more; it was {was}", "longer"
    if now.within == was.within:
        return f"{milestone}: {now}; it was {was}", None
    later = can_be_later(now.within, was.within, office)
    earlier = can_be_later(was.within, now.within, office)
    effect = "longer" if later and not earlier else "shorter" if earlier and not later else None
    wording = {"longer": "longer", "shorter": "shorter", None: "sooner or later, as the day falls"}
    return f"{milestone} within {now}, {wording[effect]} than {was}", effect


def _condition(before: Condition, after: Condition) -> str | None:
    if before.text == after.text:
        return None
    return f"counts when {after.text} (it was {before.text}): {_reach(before, after)}"


def _reach(before: Condition, after: Condition) -> str:
    """Say whether a condition holds in more or fewer cases than another, tried on all of them."""
    names = tuple(dict.fromkeys((*before.names, *after.names)))
    count = 1
    for name in names:
        count *= len(FACTS[name].values)
    if count > _MOST_CASES:
        return "too many cases to compare"
    gained = lost = False
    for values in itertools.product(*(FACTS[name].values for name in names)):
        case = dict(zip(names, values, strict=True))
        was, now = (
            tuple(case[n] for n in condition.names) in condition.holding
            for condition in (before, after)
        )
        gained, lost = gained or (now and not was), lost or (was and not now)
    examples = {
        (True, True): "in some cases more, in others no longer",
        (True, False): "in more cases",
        (False, True): "in fewer cases",
        (False, False): "in the same cases",
    }
    return examples[gained, lost]


def _grade_rule(before: GradeRule, after: GradeRule) -> Iterator[Said]:
    if text := _condition(before.condition, after.condition):
        yield text, None
    yield from _plain(before, after, ("id", "place", "condition"))


def _view(before: View, after: View) -> Iterator[Said]:
    for path in _uncovered(after.shows, before.shows):
        yield f"shows {path}", "gained"
    for path in _uncovered(before.shows, after.shows):
        yield f"no longer shows {path}", "lost"
    yield from _plain(before, after, ("name", "place", "shows"))


def _uncovered(tree: Tree, other: Tree, above: str = "") -> Iterator[str]:
    """Go through what one tree shows and another does not; an empty tree shows all below it."""
    for name, below in tree.items():
        path = f"{above}{name}"
        if name not in other:
            yield path if not below else f"{path} ({', '.join(_leaves(below))})"
        elif other[name] and not below:
            yield f"everything of {path} beyond {', '.join(_leaves(other[name]))}"
        elif other[name]:
            yield from _uncovered(below, other[name], f"{path}.")


def _leaves(tree: Tree, above: str = "") -> Iterator[str]:
    for name, below in tree.items():
        if below:
            yield from _leaves(below, f"{above}{name}.")
        else:
            yield f"{above}{name}"


def _area(before: Area, after: Area) -> Iterator[Said]:
    yield from _plain(before, after, ("code", "place"))


def _organisation(before: Organisation, after: Organisation) -> Iterator[Said]:
    for area in sorted(set(after.areas) - set(before.areas)):
        yield f"serves {area} now", "gained"
    for area in sorted(set(before.areas) - set(after.areas)):
        yield f"no longer serves {area}", "lost"
    if _hours(before) != _hours(after):
        yield f"is open {_hours(after)}; it was {_hours(before)}", None
    yield from _days("is closed", before.closures, after.closures)
    yield from _terms(before.school_days, after.school_days)
    where = ("code", "place", "version", "calendar", "areas")
    yield from _plain(before, after, (*where, "hours", "always_open", "closures", "school_days"))


def _days(kind: str, before: Mapping[date, str], after: Mapping[date, str]) -> Iterator[Said]:
    gained = {day: name for day, name in after.items() if before.get(day) != name}
    lost = {day: name for day, name in before.items() if day not in after}
    if gained:
        yield f"{kind} on {_listed(gained)}", "gained"
    if lost:
        yield f"{kind} no longer on {_listed(lost)}", "lost"


def _listed(days: Mapping[date, str]) -> str:
    listed = [f"{in_words(day)} ({name})" for day, name in sorted(days.items())]
    more = [f"{len(listed) - _LISTED} more days"] if len(listed) > _LISTED else []
    return ", ".join([*listed[:_LISTED], *more])


def _terms(before: frozenset[date] | None, after: frozenset[date] | None) -> Iterator[Said]:
    was, now = before or frozenset(), after or frozenset()
    if gained := sorted(now - was):
        yield f"{len(gained)} more school days, the last {in_words(gained[-1])}", "gained"
    if lost := sorted(was - now):
        yield f"{len(lost)} fewer school days, the first {in_words(lost[0])}", "lost"


def _holidays(before: BankHolidays, after: BankHolidays) -> Iterator[Said]:
    yield from _days("has a bank holiday", before.days, after.days)
    if before.begins != after.begins:
        yield f"is known from {in_words(after.begins)}; it was {in_words(before.begins)}", None
    if before.ends != after.ends:
        yield f"is known to {in_words(after.ends)}; it was {in_words(before.ends)}", None
    if before.edition.source != after.edition.source:
        yield f"has the source {_value(after.edition.source)}", None


_COMPARED = {
    name_of(Policy, lambda policy: policy.version),
    name_of(Policy, lambda policy: policy.directory),
    name_of(Policy, lambda policy: policy.routing_rules),
    name_of(Policy, lambda policy: policy.grade_rules),
    name_of(Policy, lambda policy: policy.views),
    name_of(Policy, lambda policy: policy.calendars),
}
"""What is compared above, one by one."""
_SECTIONS = {name_of(Policy, lambda policy: policy.version_rules): "versions"}
"""What a section of the document is called where it is not called like the field."""


def _by_id(rules: Iterable[Any]) -> dict[str, Any]:
    return {rule.id: rule for rule in rules}


def _rest(old: Policy, new: Policy) -> Iterator[Change]:
    """Name whatever else a policy has, so that nothing changes unsaid."""
    for field in fields(Policy):
        name = field.name
        is_own = field.init and name not in _COMPARED
        if is_own and getattr(old, name) != getattr(new, name):
            yield Change(
                f"section {_SECTIONS.get(name, name)}", "changed", "is written differently"
            )


def _plain(before: Any, after: Any, own: Iterable[str]) -> Iterator[Said]:
    """Say every change of a field that has no words of its own."""
    for field in fields(before):
        was, now = getattr(before, field.name), getattr(after, field.name)
        if field.name not in own and was != now:
            name = field.name.replace("effective_", "").replace("_", " ")
            yield f"{name} is {_value(now)}; it was {_value(was)}", None


def _value(value: Any) -> str:
    if isinstance(value, frozenset):
        return ", ".join(sorted(value)) or "nobody"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):
        return in_words(value)
    return repr(str(value)) if value not in (None, "") else "not said"


def _hours(organisation: Organisation) -> str:
    if organisation.always_open:
        return "always"
    listed = [
        f"{_WEEKDAYS[day]} {_times(times)}" for day, times in sorted(organisation.hours.items())
    ]
    return ", ".join(listed) or "never"


def _times(windows: tuple[Hours, ...]) -> str:
    return " and ".join(window_said(window) for window in windows)


def _to(row: RoutingRule) -> str:
    return f"{row.kind} of {row.place_of}"


def _row_said(row: RoutingRule) -> str:
    return f"{row.sentence} It goes to {_to(row)} as {row.role}, view {row.view}."


def _sentence(rule: GradeRule | View) -> str:
    return rule.sentence


def _area_said(area: Area) -> str:
    return f"{area.name}, {area.nation}"


def _organisation_said(organisation: Organisation) -> str:
    by = f"{organisation.channel} {organisation.address}".rstrip()
    return f"{organisation.name}, {organisation.kind}, by {by}"


def _holidays_said(bank_holidays: BankHolidays) -> str:
    return f"{len(bank_holidays.days)} days to {in_words(bank_holidays.ends)}"
