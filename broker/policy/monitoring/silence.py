"""When an organisation has been silent for too long, or sends much less than it used to.

What is expected is said by the policy, and learned from the counts of each hour of the week.
Counts come in bursts, a bulk of referrals being one decision to send: they are divided by how much
they vary beyond chance (the index of dispersion), so that a burst counts as one. Values in,
values out.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from broker.errors import BeyondCalendar
from broker.policy.language.directory import Organisation
from broker.policy.language.yaml_nodes import NO_TIME, Node
from broker.policy.time.calendars import LONDON, WorkingCalendar
from broker.policy.time.deadlines import Unit, Within, exact

SENDING, COLLECTING = "sending", "collecting"
CHANCE = 0.001
"""What is less likely than this is no accident."""
LEARNED_FROM = timedelta(weeks=4)
LEAST_HISTORY = timedelta(weeks=2)
LEAST_EVENTS = 20.0
"""Bursts in the history below which nothing is learned."""
LEAST_EXPECTED_A_DAY = 10.0
"""Bursts expected in a day below which a drop cannot be told from chance."""
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_HOURS_OF_WEEK = 7 * 24
_SUNDAY = 6
_LENGTHS = {Unit.CALENDAR_MINUTE: timedelta(minutes=1), Unit.CALENDAR_HOUR: _HOUR}


@dataclass(frozen=True, slots=True)
class Sending:
    """How long a publisher may send nothing."""

    after: Within


@dataclass(frozen=True, slots=True)
class Collecting:
    """How long an agency may not come for what waits in its queue."""

    after: Within
    due_within: Within | None = None
    """When the nearest deadline is as close as this, ``then_after`` counts."""
    then_after: Within | None = None


@dataclass(frozen=True, slots=True)
class Silence:
    """The policy's section ``silence``: rules by an organisation's code or kind."""

    sending: Mapping[str, Sending] = field(default_factory=dict)
    collecting: Mapping[str, Collecting] = field(default_factory=dict)
    learned_after: timedelta | None = None
    """What is learned is alarmed at the soonest after so long; None: nothing is learned."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of one activity of one organisation at the present."""

    organisation: str
    activity: str
    """``sending`` or ``collecting``."""
    last_at: datetime | None
    """When it was last seen; None when it never was."""
    since: datetime | None
    """From when it is expected at all: its key was issued, something began to wait."""
    due_at: datetime | None = None
    """The nearest deadline of what waits."""
    last_day: int | None = None
    """How many came in the 24 whole hours before this one."""


@dataclass(frozen=True, slots=True)
class Quiet:
    """An organisation that is silent, and why it is said to be."""

    organisation: str
    activity: str
    reason: str
    """``policy``, ``deadline``, ``learned``, or ``dropped``: much less than usual."""
    since: datetime
    """From when the silence counts."""
    last_at: datetime | None
    counted: int | None = None
    expected: float | None = None
    """How many there should have been by what was learned."""


@dataclass(frozen=True, slots=True)
class Usual:
    """What is usual for an organisation: a mean for each hour of the week, London's time."""

    rates: tuple[float, ...]
    dispersion: float
    """Variance over mean, at least 1: about how many come at once."""

    def expected(self, start: datetime, end: datetime, holidays: Collection[date]) -> float:
        """Return how many are expected between two instants; a holiday is like a Sunday.

        Looks back no farther than what was learned from.
        """
        at, total = max(start, end - LEARNED_FROM), 0.0
        while at < end:
            following = min(_hour(at) + _HOUR, end)
            total += self.rates[_hour_of_week(at, holidays)] * ((following - at) / _HOUR)
            at = following
        return total


def learn(
    counts: Mapping[datetime, int], *, first: datetime, now: datetime, holidays: Collection[date]
) -> Usual | None:
    """Learn from the counts of whole hours; None when there is not enough history.

    ``first`` is since when there are counts at all. Hours without a count had none.
    """
    end = _hour(now)
    start = max(_hour(first), end - LEARNED_FROM)
    if end - start < LEAST_HISTORY:
        return None
    cells: list[list[int]] = [[] for _ in range(_HOURS_OF_WEEK)]
    at = start
    while at < end:
        cells[_hour_of_week(at, holidays)].append(counts.get(at, 0))
        at += _HOUR
    rates = tuple(sum(cell) / len(cell) if cell else 0.0 for cell in cells)
    usual = Usual(rates, _dispersion(cells, rates))
    enough = sum(map(sum, cells)) / usual.dispersion >= LEAST_EVENTS
    return usual if enough else None


def judge(
    seen: Seen,
    *,
    organisation: Organisation,
    policy: Silence,
    usual: Usual | None,
    now: datetime,
) -> Quiet | None:
    """Say whether an organisation is silent, by the policy first and then by what is usual."""
    if seen.activity == COLLECTING:
        return _not_collecting(seen, organisation, policy, now) or _unusually_silent(
            seen, organisation, policy, usual, now
        )
    return (
        _not_sending(seen, organisation, policy, now)
        or _unusually_silent(seen, organisation, policy, usual, now)
        or _dropped(seen, organisation, policy, usual, now)
    )


def poisson_at_most(count: float, expected: float) -> float:
    """Return how likely so many or fewer are, where ``expected`` are the mean (Poisson)."""
    term = total = math.exp(-expected)
    for number in range(1, math.floor(count) + 1):
        term *= expected / number
        total += term
    return min(total, 1.0)


def read_silence(node: Node) -> Silence:
    """Read the policy's section ``silence``."""
    fields = node.fields((), ("sending", "collecting", "learned_after"))
    return Silence(
        {code: _sending(written) for code, written in _rules(fields, "sending")},
        {code: _collecting(written) for code, written in _rules(fields, "collecting")},
        _minutes(fields["learned_after"]) if "learned_after" in fields else None,
    )


def _not_sending(
    seen: Seen, organisation: Organisation, policy: Silence, now: datetime
) -> Quiet | None:
    rule = policy.sending.get(organisation.code) or policy.sending.get(organisation.kind)
    since = seen.last_at or seen.since
    if rule is None or since is None or not _has_passed(rule.after, since, organisation, now):
        return None
    return Quiet(seen.organisation, SENDING, "policy", since, seen.last_at)


def _not_collecting(
    seen: Seen, organisation: Organisation, policy: Silence, now: datetime
) -> Quiet | None:
    rule = policy.collecting.get(organisation.code) or policy.collecting.get(organisation.kind)
    if rule is None or seen.since is None:
        return None
    since = max(seen.since, seen.last_at or seen.since)
    if _has_passed(rule.after, since, organisation, now):
        return Quiet(seen.organisation, COLLECTING, "policy", since, seen.last_at)
    if (
        rule.due_within is not None
        and rule.then_after is not None
        and seen.due_at is not None
        and _has_passed(rule.then_after, since, organisation, now)
        and not _has_passed(rule.due_within, now, organisation, seen.due_at)
    ):
        return Quiet(seen.organisation, COLLECTING, "deadline", since, seen.last_at)
    return None


def _unusually_silent(
    seen: Seen, organisation: Organisation, policy: Silence, usual: Usual | None, now: datetime
) -> Quiet | None:
    """Say whether nothing at all for so long is as good as impossible."""
    since = seen.last_at
    if usual is None or since is None or policy.learned_after is None:
        return None
    if now - since < policy.learned_after:
        return None
    expected = usual.expected(since, now, _holidays(organisation.calendar))
    if math.exp(-expected / usual.dispersion) >= CHANCE:
        return None
    return Quiet(seen.organisation, seen.activity, "learned", since, since, 0, expected)


def _dropped(
    seen: Seen, organisation: Organisation, policy: Silence, usual: Usual | None, now: datetime
) -> Quiet | None:
    """Say whether so few in a day are as good as impossible."""
    if usual is None or seen.last_day is None or policy.learned_after is None:
        return None
    end = _hour(now)
    expected = usual.expected(end - _DAY, end, _holidays(organisation.calendar))
    bursts = expected / usual.dispersion
    if bursts < LEAST_EXPECTED_A_DAY:
        return None
    if poisson_at_most(seen.last_day / usual.dispersion, bursts) >= CHANCE:
        return None
    return Quiet(
        *(seen.organisation, SENDING, "dropped", end - _DAY, seen.last_at),
        seen.last_day,
        expected,
    )


def _has_passed(length: Within, start: datetime, organisation: Organisation, now: datetime) -> bool:
    """Tell whether a length of time has passed on an organisation's clock.

    Where the calendar is not known no working time can be told, and nothing is alarmed.
    """
    try:
        return exact(length, start=start, calendar=organisation.calendar).due_at <= now
    except BeyondCalendar:
        return False


def _holidays(calendar: WorkingCalendar) -> Collection[date]:
    return calendar.bank_holidays.days


def _dispersion(cells: Sequence[Sequence[int]], rates: Sequence[float]) -> float:
    """Return Pearson's chi-squared over its degrees of freedom, at least 1."""
    squares, free = 0.0, 0
    for cell, rate in zip(cells, rates, strict=True):
        if rate and len(cell) > 1:
            squares += sum((count - rate) ** 2 for count in cell) / rate
            free += len(cell) - 1
    return max(1.0, squares / free) if free else 1.0


def _hour(instant: datetime) -> datetime:
    return instant.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _hour_of_week(instant: datetime, holidays: Collection[date]) -> int:
    local = instant.astimezone(LONDON)
    weekday = _SUNDAY if local.date() in holidays else local.weekday()
    return weekday * 24 + local.hour


def _rules(fields: Mapping[str, Node], name: str) -> list[tuple[str, Node]]:
    return fields[name].entries() if name in fields else []


def _sending(node: Node) -> Sending:
    fields = node.fields(("after",))
    return Sending(fields["after"].within() if "after" in fields else NO_TIME)


def _collecting(node: Node) -> Collecting:
    fields = node.fields(("after",), ("due_within", "then_after"))
    if ("due_within" in fields) != ("then_after" in fields):
        node.fault("missing", "Write 'due_within' and 'then_after', both or neither.")
    return Collecting(
        fields["after"].within() if "after" in fields else NO_TIME,
        *(fields[n].within() if n in fields else None for n in ("due_within", "then_after")),
    )


def _minutes(node: Node) -> timedelta:
    within = node.within()
    if within.unit not in _LENGTHS:
        node.fault("wrong-deadline", "Write minutes or hours by the clock here.")
        return _HOUR
    return within.count * _LENGTHS[within.unit]
