"""Deadlines a second on one core, for each clock: the aim is 20,000.

Each clock is measured over a year of starts (weekends, holidays and both changes of the clocks
among them) and over the offices of the shipped directory, as routing meets them: the best of a few
rounds, because other work on the machine can only slow it down, and the slowest beside it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from benchmarks.results import Figure
from benchmarks.world import World
from broker.channels.registry import CHANNELS
from broker.policy.language.vocabulary import SCHOOL
from broker.policy.published.policy import documents_from, load
from broker.policy.time.calendars import WorkingCalendar
from broker.policy.time.deadlines import Within, compute
from broker.shipped import POLICY

AIM = 20_000
COUNT = 20_000
ROUNDS = 5
FIRST = datetime(2026, 12, 1, tzinfo=UTC)
CLOCKS = {
    "calendar_hours": "4 hours",
    "working_hours": "4 working hours",
    "working_day": "1 working day",
    "working_days_5": "5 working days",
    "school_day": "next school day",
}


def measure(_: World) -> Figure:
    """Measure every clock; the slowest counts."""
    book = load(documents_from(POLICY), version="bench", channels=CHANNELS.forms)
    organisations = book.directory.organisations
    offices = [
        organisation.calendar for organisation in organisations if organisation.kind != SCHOOL
    ]
    schools = [
        organisation.calendar for organisation in organisations if organisation.kind == SCHOOL
    ]
    starts = _starts()
    measured = {
        name: _rates(Within.parse(within), starts, schools if name == "school_day" else offices)
        for name, within in CLOCKS.items()
    }
    return Figure(
        min(best for best, _ in measured.values()),
        "deadlines/s",
        notes={
            "best round": {name: best for name, (best, _) in measured.items()},
            "slowest round": {name: worst for name, (_, worst) in measured.items()},
        },
        aims={"ours": AIM},
    )


def _starts() -> list[datetime]:
    """Return instants spread over a year by chance, the same each time."""
    chance = random.Random(1)  # noqa: S311 - a spread, not a secret
    return [FIRST + timedelta(minutes=chance.randrange(365 * 24 * 60)) for _ in range(COUNT)]


def _rates(
    within: Within, starts: Sequence[datetime], calendars: Sequence[WorkingCalendar]
) -> tuple[int, int]:
    """Return deadlines a second in the best and in the slowest round."""
    rates = []
    for _ in range(ROUNDS):
        begun = time.process_time()
        for number, start in enumerate(starts):
            compute(within, start=start, calendar=calendars[number % len(calendars)])
        rates.append(round(len(starts) / (time.process_time() - begun)))
    return max(rates), min(rates)
