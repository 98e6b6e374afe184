"""Texts for people: durations, instants, and sentences that explain figures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from datetime import date, datetime
from itertools import groupby
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context

from broker.domain.codes import HealthLevel
from broker.domain.monitoring import AtRisk
from broker.policy.places.gazetteer import installed
from broker.policy.time.calendars import Hours, in_words, window_said
from broker.policy.time.duration_words import duration, how_many
from broker.policy.time.moments import moment, to_the_second
from broker.policy.time.wall_clock import on_the_wall
from broker.web.code_words import event_in_words, words_for
from broker.web.code_words import in_words as plain
from schemas import labels

__all__ = ["duration", "event_in_words", "how_many", "plain"]

_SUBJECT = re.compile(r"\A(?:child|person) (?=[a-z][a-z0-9-]{0,31}: )")
_AREA = re.compile(r"(?<!\()\b[ENSW][0-9]{8}\b")
"""A code of an area that stands alone, without the area's name before it."""
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
BAND_NAMES: Mapping[str, str] = {
    "breached": "Late",
    "5": "Under 5 min",
    "15": "5 to 15 min",
    "30": "15 to 30 min",
    "60": "30 to 60 min",
    "more": "Over 60 min",
    "none": "No deadline",
    "paused": "Deadline paused",
    "held": "Under embargo",
}
GRADE_NAMES: Mapping[str, str] = {**labels.GRADE_NAMES, "unknown": "Not graded"}
MILESTONE_NAMES: Mapping[str, str] = {
    "collect": "collect",
    "acknowledge": "acknowledge",
    "decide": "decide",
    "attend": "find an owner",
    "silence": "connect",
    "route": "be routed",
}
MISSED_NAMES: Mapping[str, str] = {
    "collect": "has not collected this",
    "acknowledge": "has not acknowledged this",
    "decide": "has not decided on this",
    "attend": "has not found an owner",
    "silence": "has not connected",
}
"""What an organisation has not done that missed a deadline."""
WHY_NAMES: Mapping[str, str] = {
    "breached": "Late",
    "soon": "Due soon",
    "trouble": "Last attempt failed",
    "usual": "Slower than usual",
    "silent": "Agency not collecting",
    "open": "Open",
}
CAUSE_NAMES: Mapping[str, str] = {
    "broker": "The broker was late",
    "sent_on": "Redirected late",
    "channel": "Could not be delivered",
    "not_collected": "Not collected",
    "not_acknowledged": "Not acknowledged",
    "not_decided": "No decision",
    "no_owner": "No agency matched",
}
UNROUTABLE_NAMES: Mapping[str, str] = {
    "no_area": "no area is known",
    "no_recipient": "the directory has no agency for the place",
    "fault": "routing failed because of a fault in the broker",
}

NOTICE_STATES = {
    "failed": "Failed",
    "due": "Waiting, or tried again later",
    "sending": "Being sent",
    "sent": "Sent",
    "void": "No longer needed",
}
"""What became of an alert, in the order in which people need to see it."""


ICONS: Mapping[str, str] = {"good": "ok", "warn": "soon", "bad": "late", "stopped": "stop"}
"""The shape that says a tone where colour is not seen."""
TONES: Mapping[HealthLevel, str] = {
    HealthLevel.WELL: "good",
    HealthLevel.SOON: "warn",
    HealthLevel.ATTENTION: "warn",
    HealthLevel.LATE: "bad",
    HealthLevel.FAILING: "bad",
    HealthLevel.UNKNOWN: "stopped",
    HealthLevel.STOPPED: "stopped",
}
"""How a level looks: its colour, its edge and its icon."""
LEVEL_NAMES: Mapping[HealthLevel, str] = {
    HealthLevel.WELL: "On time",
    HealthLevel.SOON: "Due soon",
    HealthLevel.ATTENTION: "Needs you",
    HealthLevel.LATE: "Late",
    HealthLevel.FAILING: "Failing",
    HealthLevel.UNKNOWN: "Not known",
    HealthLevel.STOPPED: "Stopped",
}


def reason(because: str) -> str:
    """Return why an agency has a delivery, with the names of areas beside their codes.

    People are called by their ids in the referral: ops see no names.
    """
    return _AREA.sub(_with_name, _SUBJECT.sub("", because, count=1))


def _with_name(code: re.Match[str]) -> str:
    place = installed().place(code[0])
    return f"{place.name} ({code[0]})" if place else code[0]


def age(since: datetime | None, now: datetime) -> str:
    """Return how much time has passed."""
    return duration((now - since).total_seconds()) if since else "–"


def left(due_at: datetime | None, now: datetime) -> str:
    """Return how much time is left, or how late it is."""
    if due_at is None:
        return "no deadline"
    seconds = (due_at - now).total_seconds()
    return f"{duration(seconds)} left" if seconds >= 0 else f"{duration(-seconds)} late"


@pass_context
def clock(context: Context, instant: datetime | None) -> str:
    """Return an instant as a page shows it: ``today 16:50``, by the instant of its figures."""
    return moment(instant, context.get("now")) if instant else "–"


def time_of_day(instant: datetime) -> str:
    """Return the time of day of an instant, for the axes of charts."""
    return on_the_wall(instant)


def instant(text: str) -> datetime:
    """Return an instant that the ledger holds as text."""
    return datetime.fromisoformat(text)


def day(of: date) -> str:
    """Return a day: ``Mon 30 Nov 2026``."""
    return in_words(of)


def second(instant: datetime | None) -> str:
    """Return an instant to the second, for histories."""
    return to_the_second(instant) if instant else "–"


def share(part: float | None) -> str:
    """Return a share as a percentage; 100 % only if it is all."""
    if part is None:
        return "–"
    return "100 %" if part == 1 else f"{min(99.9, part * 100):.3g} %"


def unroutable(reason: str | None) -> str:
    """Return why no agency matches a referral."""
    return UNROUTABLE_NAMES.get(reason or "") or plain(reason)


_FOR_SOFTWARE = frozenset({"notice", "escalation", "row"})
"""Ids and names of rules in events, which say nothing to people; the API has them."""
_DETAILS: Mapping[str, str] = {
    "asked": "by",
    "attempts": "times tried",
    "because": "why",
    "channel": "by",
    "code": "why",
    "due_at": "due",
    "percent": "of the time gone, in per cent",
    "to_agency": "to",
}
"""What the details of an event are called, where their own names say little."""


def details(data: Mapping[str, Any], names: Mapping[str, str]) -> list[str]:
    """Return the data of an event as phrases; ``names`` replace IDs."""
    rest, phrases = dict(data), []
    for name in ("grade", "effective_grade"):
        if f"{name}_before" in rest:
            before, after = rest.pop(f"{name}_before"), rest.pop(name, None)
            if before != after:
                phrases.append(f"{plain(name)} from {plain(before)} to {plain(after)}")
    for moved in rest.pop("deadlines", ()):
        # A new grade and a resumed clock write a moved deadline in two ways, and history stays.
        before = moved.get("due_before") or moved.get("first_due_at")
        was = f", was {_value(before)}" if before else ""
        due = moved.get("due") or moved.get("due_at")
        phrases.append(f"to {moved['milestone']} by {_value(due)}{was}")
    for name, value in rest.items():
        if name not in _FOR_SOFTWARE:
            known = names.get(value) if isinstance(value, str) else None
            phrases.append(f"{_DETAILS.get(name) or plain(name)}: {known or _value(value)}")
    return phrases


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_value(member)}" for name, member in value.items())
    if isinstance(value, list):
        return ", ".join(map(_value, value))
    if isinstance(value, str) and value[10:11] == "T":
        with suppress(ValueError):
            return moment(datetime.fromisoformat(value))
    return words_for(str(value)) or str(value).replace("_", " ")


def hours(of_days: Mapping[int, tuple[Hours, ...]]) -> str:
    """Return opening hours, neighbouring days that have the same ones together."""
    phrases = []
    for windows, days in groupby(sorted(of_days), key=of_days.__getitem__):
        listed = list(days)
        last = f" to {_WEEKDAYS[listed[-1]]}" if len(listed) > 1 else ""
        times = " and ".join(window_said(window).replace("-", "–") for window in windows)
        phrases.append(f"{_WEEKDAYS[listed[0]]}{last} {times}")
    return ", ".join(phrases)


def most_urgent(risk: AtRisk | None, names: Mapping[str, str], now: datetime) -> str:
    """Return a sentence about what is due first; empty when nothing is at risk."""
    if risk is None:
        return ""
    owner = names.get(risk.agency, risk.agency) if risk.agency else "no agency yet"
    return f"Most urgent: {owner}, {left(risk.due_at, now)}."
