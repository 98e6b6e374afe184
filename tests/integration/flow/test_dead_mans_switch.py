"""All workers dead: a gateway raises the alarm, by real mail, and says when it is over."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from broker.domain.codes import HealthLevel, NoticeChannel
from broker.flow import deadlines
from broker.flow.context import Context
from broker.flow.dead_mans_switch import DeadMansSwitch
from broker.flow.health_watch import health_of
from broker.flow.notify import notify
from broker.flow.outage_notices import REPEAT, STOPPED, WORKS
from broker.policy.monitoring.health import VITAL_LANES
from tests.acceptance.conftest import World, sample
from tests.conftest import FixedClock
from tests.integration.flow.test_notify import email
from tests.mail_server import MailServer


class Timer:
    """A process's timer that stands until it is moved, and the ledger's clock with it."""

    def __init__(self, clock: FixedClock) -> None:
        self.clock = clock
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds
        self.clock.advance(seconds=seconds)


@pytest.fixture
def timer(clock: FixedClock) -> Timer:
    return Timer(clock)


def work(context: Context) -> None:
    """Show that somebody works in every lane."""
    for lane in VITAL_LANES:
        context.ledger.sweep.hold_lead(
            lane, "worker-1:7", for_=timedelta(seconds=15), now=context.clock()
        )


def ask(dsn: str, question: str) -> list[dict[str, Any]]:
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        return connection.execute(question.encode()).fetchall()


def notices(dsn: str) -> list[tuple[str, str, str, str]]:
    rows = ask(
        dsn, "select kind, contact, channel, state from notice where data ? 'outage' order by id"
    )
    return [(row["kind"], row["contact"], row["channel"], row["state"]) for row in rows]


def events(dsn: str) -> list[dict[str, Any]]:
    return ask(
        dsn,
        "select kind, agency, actor, data from event"
        " where kind like 'organisation.broker%' or kind like 'organisation.notice%' order by id",
    )


def gateways(context: Context, mail: MailServer, timer: Timer, count: int) -> list[DeadMansSwitch]:
    """Return the switches of so many gateways, each of which has looked once."""
    configured = replace(context, notifiers={NoticeChannel.EMAIL: email(mail)})
    switches = [DeadMansSwitch(configured, monotonic=timer) for _ in range(count)]
    for switch in switches:
        assert switch.look() == []
    return switches


def test_all_workers_dead_over_due_deadlines(
    world: World, context: Context, dsn: str, mail: MailServer, timer: Timer
) -> None:
    """One immediate referral waits and deadlines pass: one alarm of all gateways, sent by mail."""
    work(context)
    world.routed(sample(2))
    switches = gateways(context, mail, timer, 3)
    world.hand_in(sample(1))
    for _ in range(20):  # over five minutes, in which nothing but gateways runs
        timer.advance(15)
        for switch in switches:
            switch.look()
    assert notices(dsn) == [(STOPPED, "duty", "email", "sent")]
    ((recipients, letter),) = mail.got
    assert recipients == ["duty@broker.example.org"]
    assert "The broker has stopped" in letter
    assert "no deadline is watched" in letter.replace("=\n", "").replace("\n", " ")
    (outage,) = ask(dsn, "select * from outage")
    assert (outage["ended_at"], outage["missing"], outage["alarms"]) == (None, [*VITAL_LANES], 1)
    asked, sent = events(dsn)
    assert (asked["kind"], asked["agency"], asked["actor"]) == (STOPPED, "ops", "broker")
    assert asked["data"]["asked"] == ["duty by email"]
    assert (sent["kind"], sent["data"]["channel"]) == ("organisation.notice_sent", "email")
    health = health_of(context.ledger, now=context.clock())
    assert health.level is HealthLevel.STOPPED
    assert health.sentence.startswith("No worker has run")
    assert (health.signals.unrouted, health.signals.late) == (1, 1)


def test_it_is_repeated_and_the_end_is_told(
    context: Context, dsn: str, mail: MailServer, timer: Timer
) -> None:
    first, second = gateways(context, mail, timer, 2)
    timer.advance(60)
    for switch in (first, second, first):
        switch.look()
    timer.advance(REPEAT.total_seconds() - 1)
    first.look()
    assert len(mail.got) == 1
    timer.advance(1)
    for switch in (second, first):
        switch.look()
    assert {contact for _, contact, _, _ in notices(dsn)[1:]} == {"duty", "manager"}
    told = len(mail.got)
    work(context)
    third = gateways(context, mail, timer, 1)[0]
    assert ask(dsn, "select ended_at from outage") == [{"ended_at": None}]
    first.look()  # the beats have moved since it looked last
    second.look()
    third.look()
    (outage,) = ask(dsn, "select * from outage")
    assert (outage["ended_at"], outage["alarms"]) == (context.clock(), 2)
    over = [row for row in notices(dsn) if row[0] == WORKS]
    assert over == [(WORKS, "duty", "email", "sent"), (WORKS, "manager", "email", "sent")]
    assert all("works again" in letter for _, letter in mail.got[told:])
    timer.advance(120)
    first.look()
    assert len(ask(dsn, "select 1 as one from outage")) == 2, "a new outage is a new alarm"


def test_a_gateway_that_starts_does_not_alarm_at_once_nor_end_an_alarm(
    context: Context, dsn: str, mail: MailServer, timer: Timer
) -> None:
    """Workers start beside it; and what it sees first proves nothing."""
    work(context)
    timer.advance(3600)
    (switch,) = gateways(context, mail, timer, 1)
    timer.advance(59)
    assert switch.look() == []
    timer.advance(1)
    assert [*switch.look()] == [*VITAL_LANES]
    (fresh,) = gateways(context, mail, timer, 1)
    assert fresh.look() == []
    assert len(notices(dsn)) == 1
    (outage,) = ask(dsn, "select began_at, ended_at from outage")
    assert outage["ended_at"] is None
    assert context.clock() - outage["began_at"] > timedelta(hours=1)


def test_a_lead_that_ends_in_the_future_hides_nothing(
    context: Context, dsn: str, mail: MailServer, timer: Timer
) -> None:
    """A worker whose clock was an hour ahead has died: its lead stands for an hour."""
    for lane in VITAL_LANES:
        context.ledger.sweep.hold_lead(
            lane, "worker-1:7", for_=timedelta(hours=1), now=context.clock()
        )
    (switch,) = gateways(context, mail, timer, 1)
    timer.advance(61)
    switch.look()
    assert notices(dsn) == [(STOPPED, "duty", "email", "sent")]
    minute_ago = context.clock() - timedelta(minutes=1)
    assert ask(dsn, "select began_at from outage") == [{"began_at": minute_ago}]


def test_a_mail_that_could_not_be_sent_is_tried_again_and_void_when_it_is_over(
    context: Context, dsn: str, mail: MailServer, timer: Timer
) -> None:
    mail.answer = "451 come back later"
    (switch,) = gateways(context, mail, timer, 1)
    timer.advance(61)
    switch.look()
    assert notices(dsn) == [(STOPPED, "duty", "email", "due")]
    timer.advance(20)
    switch.look()
    assert ask(dsn, "select attempt, code from notice") == [
        {"attempt": 2, "code": "recipient_deferred"}
    ]
    mail.answer = "250 OK"
    work(context)
    switch.look()
    assert notices(dsn) == [
        (STOPPED, "duty", "email", "void"),
        (WORKS, "duty", "email", "sent"),
    ]


def test_where_no_channel_is_set_the_history_says_that_it_failed(
    context: Context, dsn: str, timer: Timer
) -> None:
    switch = DeadMansSwitch(context, monotonic=timer)
    switch.look()
    timer.advance(61)
    switch.look()
    assert {state for _, _, _, state in notices(dsn)} == {"failed"}
    assert events(dsn)[0]["kind"] == STOPPED
    assert {event["data"].get("code") for event in events(dsn)[1:]} == {"channel_not_set"}


def test_a_gateway_sends_nothing_but_its_own_alarm(
    world: World, context: Context, dsn: str, mail: MailServer, timer: Timer
) -> None:
    """The other notices are the workers': they lie there until one works again."""
    world.routed(sample(2))
    world.clock.advance(days=9)
    deadlines.watch(context)
    waiting = ask(dsn, "select id from notice where state = 'due'")
    (switch,) = gateways(context, mail, timer, 1)
    timer.advance(61)
    switch.look()
    assert ask(dsn, "select id from notice where state = 'due'") == waiting != []
    assert len(mail.got) == 1
    notify(replace(context, notifiers={NoticeChannel.EMAIL: email(mail)}))
    assert len(mail.got) > 1
