"""The steps of an escalation: what was done, where it stands, and what follows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from broker.dashboard.pictures.escalation_steps import (
    MOST_RESULTS,
    EscalationPicture,
    PlannedStep,
    escalation_steps,
)
from broker.dashboard.rendering import environment
from broker.domain.escalation import Escalation
from broker.domain.ids import EscalationId, OrganisationCode
from broker.domain.pictures import EscalationAlert
from tests.unit.dashboard.conftest import STYLED

NOW = datetime(2027, 4, 7, 1, 14, tzinfo=UTC)
MISSED = NOW - timedelta(minutes=23)
STEPS = [
    PlannedStep("Stoke emergency duty team, duty contact", ["email", "webhook"], MISSED),
    PlannedStep("Stoke <emergency> duty team, manager", ["email"], NOW - timedelta(minutes=8)),
    PlannedStep("Staffordshire Police, supervisor", ["email"], NOW + timedelta(minutes=7)),
    PlannedStep("Broker operations, duty contact", ["email", "command"], None),
]
OPEN = Escalation(
    **{"id": EscalationId(UUID(int=1)), "milestone": "acknowledge", "state": "open"},
    **{"referral": None, "reference": None, "delivery": None, "publisher": None},
    **{"organisation": OrganisationCode("stoke-edt"), "ladder": "urgent", "step": 2},
    **{"due_at": MISSED, "began_at": MISSED, "next_step_at": NOW + timedelta(minutes=7)},
    **{"acknowledged_at": None, "acknowledged_by": None, "own_acknowledged_by": None},
    **{
        "own_until": None,
        "ended_at": None,
        "ended_because": None,
        "taken_until": None,
        "offered_to": None,
    },
)
TAKEN = replace(
    OPEN, state="acknowledged", acknowledged_by="person:Jo Example", acknowledged_at=MISSED
)


def alert(step: int, state: str = "sent", **changes: Any) -> EscalationAlert:
    usual = {
        **{"step": step, "organisation": "stoke-edt", "name": "Stoke", "contact": "duty"},
        **{"channel": "email", "state": state, "asked_at": MISSED, "ended_at": MISSED},
        "code": None,
    }
    return EscalationAlert(**usual | changes)


def shown(picture: EscalationPicture) -> str:
    return (
        environment().get_template("ops/escalation_steps.html").render(escalation_picture=picture)
    )


def test_you_are_between_what_was_done_and_what_follows() -> None:
    alerts = [alert(1, "failed"), alert(1, channel="webhook"), alert(2)]
    picture = escalation_steps(OPEN, STEPS, alerts, now=NOW)
    assert [entry.kind for entry in picture.entries] == [
        *("missed", "done", "done", "here", "ahead", "ahead")
    ]
    assert picture.finding == (
        "2 of 4 steps taken, 2 alerts sent, 1 failed. We alert the next person in 7 min."
    )
    assert picture.entries[1].lines == [
        ("Email: failed 01:51", "bad"),
        ("Message to its system: sent 01:51", ""),
    ]
    assert picture.entries[3].title == "You are here. Nobody is dealing with this"
    assert picture.entries[5].lines == [("By email and duty command.", "")]
    page = shown(picture)
    assert page.count('aria-current="step"') == 1
    assert "Stoke &lt;emergency&gt; duty team" in page
    assert STYLED.search(page) is None


def test_what_does_not_happen_is_struck_through_while_somebody_deals_with_it() -> None:
    picture = escalation_steps(TAKEN, STEPS, [alert(1), alert(2)], now=NOW)
    assert [entry.kind for entry in picture.entries][3:] == ["here", "stopped", "stopped"]
    assert picture.entries[3].title == "You are here. Jo Example is dealing with this"
    assert picture.finding.endswith("We have stopped alerting other people.")


def test_a_step_that_reached_nobody_says_so() -> None:
    picture = escalation_steps(OPEN, STEPS, [alert(1)], now=NOW)
    ((text, tone),) = picture.entries[2].lines
    assert (text.startswith("Nobody was alerted"), tone) == (True, "bad")


def test_after_the_last_step_nobody_is_left() -> None:
    last = replace(OPEN, step=4, next_step_at=None)
    picture = escalation_steps(last, STEPS, [alert(4)], now=NOW)
    assert picture.entries[-1].kind == "here"
    assert picture.finding.endswith("Nobody else is on the list.")


@pytest.mark.parametrize("count", [3, 300, 30_000])
def test_many_alerts_of_a_step_are_counted(count: int) -> None:
    alerts = [alert(1)] * count
    picture = escalation_steps(OPEN, STEPS, alerts, now=NOW)
    assert len(picture.entries[1].lines) == min(count, MOST_RESULTS + 1)
    assert f"{count:,} alerts sent" in picture.finding
    assert len(shown(picture)) < 8_000


def test_a_policy_that_is_gone_leaves_where_it_stands() -> None:
    picture = escalation_steps(OPEN, [], [alert(1)], now=NOW)
    assert [entry.kind for entry in picture.entries] == ["missed", "here"]


def test_what_follows_when_the_time_of_a_person_ends_is_said() -> None:
    until = NOW + timedelta(minutes=30)
    picture = escalation_steps(replace(TAKEN, taken_until=until), STEPS, [alert(1)], now=NOW)
    last = picture.entries[-1]
    assert (last.kind, last.at, last.title) == ("ends", until, "The time of Jo Example ends")
    assert last.lines == [(f"If it is still late, we alert {STEPS[2].who} at once.", "")]
    over = replace(TAKEN, taken_until=until, step=4)
    ((text, _),) = escalation_steps(over, STEPS, [], now=NOW).entries[-1].lines
    assert text == "If it is still late, we alert the last person again at once."


def test_why_an_alert_failed_is_said() -> None:
    picture = escalation_steps(OPEN, STEPS, [alert(1, "failed", code="no_address")], now=NOW)
    assert picture.entries[1].lines == [
        ("Email: failed 01:51 (the directory has no address for this contact)", "bad")
    ]
