"""The steps of an escalation with "you are here": who was alerted, who is next, and when.

It is a list beside a drawn line, so that it reads the same without the drawing: it needs no table.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from broker.dashboard.pictures.local_times import LOCAL, clock
from broker.dashboard.pictures.svg import Drawing
from broker.dashboard.wording import NOTICE_STATES, age, duration, how_many, plain
from broker.domain.escalation import Escalation
from broker.domain.pictures import EscalationAlert
from broker.policy.time.wall_clock import on_the_wall, short

MOST_RESULTS = 8
"""Alerts of one step that are listed; more are counted."""
_CHANNELS = {
    "email": "Email",
    "webhook": "Message to its system",
    "command": "Duty command",
    "sms": "Text message",
}


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """One step of the escalation policy for this escalation."""

    who: str
    """The organisation and its contact, in words."""
    by: Sequence[str]
    """The channels, as codes."""
    at: datetime | None
    """When it is due; None where that is not known."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the list."""

    kind: str
    """``missed``, ``done``, ``here``, ``ahead``, ``stopped`` or ``ends``."""
    at: datetime | None
    title: str
    lines: Sequence[tuple[str, str]]
    """Each with its tone: ``bad`` or nothing."""
    drawing: Markup

    @property
    def time(self) -> str:
        """Its time of day, or nothing."""
        return on_the_wall(self.at) if self.at else ""

    @property
    def day(self) -> str:
        """Its day."""
        return short(self.at.astimezone(LOCAL).date()) if self.at else ""


@dataclass(frozen=True, slots=True)
class EscalationPicture:
    """The whole list, and what it shows as a sentence."""

    name: str
    finding: str
    entries: Sequence[Entry]


def escalation_steps(
    escalation: Escalation,
    steps: Sequence[PlannedStep],
    alerts: Sequence[EscalationAlert],
    *,
    now: datetime,
) -> EscalationPicture:
    """Return the steps that were taken, where the escalation stands now, and what follows."""
    missed = Entry("missed", escalation.due_at, "Deadline missed", (), _mark("!", "missed"))
    planned = list(enumerate(steps, 1))
    entries = [
        missed,
        *(_taken(number, step, alerts) for number, step in planned[: escalation.step]),
        _here(escalation, now),
        *(_ahead(escalation, number, step) for number, step in planned[escalation.step :]),
        *_end(escalation, steps),
    ]
    return EscalationPicture(
        f"escalation-{escalation.id}", _finding(escalation, steps, alerts, now), entries
    )


def _finding(
    escalation: Escalation,
    steps: Sequence[PlannedStep],
    alerts: Sequence[EscalationAlert],
    now: datetime,
) -> str:
    sent = sum(alert.state == "sent" for alert in alerts)
    failed = sum(alert.state == "failed" for alert in alerts)
    of = f" of {len(steps)}" if steps else ""  # a policy that is gone has none
    noun = "step" if (len(steps) or escalation.step) == 1 else "steps"
    taken = f"{escalation.step}{of} {noun} taken"
    failures = f", {failed} failed" if failed else ""
    return f"{taken}, {how_many(sent, 'alert')} sent{failures}. {_next(escalation, now)}"


def _next(escalation: Escalation, now: datetime) -> str:
    if escalation.state == "acknowledged":
        return "We have stopped alerting other people."
    if escalation.next_step_at is None:
        return "Nobody else is on the list."
    seconds = (escalation.next_step_at - now).total_seconds()
    when = f"in {duration(seconds)}" if seconds > 0 else "now"
    return f"We alert the next person {when}."


def _taken(number: int, step: PlannedStep, alerts: Sequence[EscalationAlert]) -> Entry:
    own = [alert for alert in alerts if alert.step == number]
    at = min((alert.asked_at for alert in own), default=None)
    lines = [_result(alert) for alert in own[:MOST_RESULTS]]
    if len(own) > MOST_RESULTS:
        lines.append((f"{how_many(len(own) - MOST_RESULTS, 'more alert')}.", ""))
    if not own:
        lines.append(("Nobody was alerted: it has no address, or somebody there is on it.", "bad"))
    return Entry("done", at or step.at, step.who, lines, _mark(str(number), "done"))


def _result(alert: EscalationAlert) -> tuple[str, str]:
    channel = _CHANNELS.get(alert.channel, alert.channel)
    at = f" {on_the_wall(alert.ended_at)}" if alert.ended_at else ""
    state = NOTICE_STATES[alert.state]
    why = f" ({plain(alert.code)})" if alert.code else ""
    text = f"{channel}: {state[0].lower()}{state[1:]}{at}{why}"
    return text, "bad" if alert.state == "failed" else ""


def _here(escalation: Escalation, now: datetime) -> Entry:
    if escalation.state == "acknowledged":
        person = (escalation.acknowledged_by or "").removeprefix("person:")
        since = age(escalation.acknowledged_at, now)
        title = f"You are here. {person} is dealing with this"
        lines = [(f"For {since}, since {clock(escalation.acknowledged_at)}.", "")]
        if escalation.taken_until:
            lines.append((f"Nobody else is alerted until {clock(escalation.taken_until)}.", ""))
    else:
        title = "You are here. Nobody is dealing with this"
        lines = [(_next(escalation, now), "")]
    if escalation.own_acknowledged_by and escalation.own_until and now < escalation.own_until:
        until = on_the_wall(escalation.own_until)
        lines.append((f"Somebody at the agency is on it: it is not alerted until {until}.", ""))
    return Entry("here", now, title, lines, _mark("", "here"))


def _ahead(escalation: Escalation, number: int, step: PlannedStep) -> Entry:
    is_stopped = escalation.state == "acknowledged"
    channels = " and ".join(_channel_words(step.by))
    lines = [("Not alerted while somebody deals with this.", "")] if is_stopped else []
    lines = lines or [(f"By {channels}.", "")]
    kind = "stopped" if is_stopped else "ahead"
    return Entry(kind, step.at, step.who, lines, _mark(str(number), kind))


def _end(escalation: Escalation, steps: Sequence[PlannedStep]) -> Iterator[Entry]:
    """Yield what happens when the time is over for which a person deals with it."""
    if escalation.state != "acknowledged" or escalation.taken_until is None:
        return
    person = (escalation.acknowledged_by or "").removeprefix("person:")
    ahead = steps[escalation.step :]
    whom = ahead[0].who if ahead else "the last person again"
    lines = [(f"If it is still late, we alert {whom} at once.", "")]
    title = f"The time of {person} ends"
    yield Entry("ends", escalation.taken_until, title, lines, _mark("", "ahead"))


def _channel_words(channels: Sequence[str]) -> Iterator[str]:
    for channel in channels:
        word = _CHANNELS.get(channel, channel)
        yield f"{word[0].lower()}{word[1:]}"


def _mark(text: str, kind: str) -> Markup:
    drawing = Drawing(f"mark-{kind}", 30, 30)
    drawing.add("circle", cx=15, cy=15, r=13, class_=f"pic-step pic-step--{kind}")
    if kind == "here":
        drawing.add("circle", cx=15, cy=15, r=4, class_="pic-step-dot")
    else:
        drawing.text(15, 20, text, f"pic-step-text pic-step-text--{kind}", "middle")
    return drawing.hidden()
