"""Alarms: whatever agencies answer and whoever stops a clock, each rings when it must, and once."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from broker.policy.published.policy import Policy
from broker.policy.time.calendars import WorkingCalendar
from tests.acceptance.conftest import World, sample
from tests.integration.models.conftest import explore

MINUTE = timedelta(minutes=1)
PERCENTS = (50, 75, 90)
BY_THE_CLOCK = ("hour", "minute")


@dataclass
class Clock:
    """One deadline as the model knows it; time is counted minute by minute."""

    start: datetime
    due_at: datetime
    calendar: WorkingCalendar | None
    may_pause: bool
    total: int = 0
    ran: int = 0
    at: datetime | None = None
    met: bool = False
    fired: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        at = self.start
        while at < self.due_at:
            self.total += self.runs(at)
            at += MINUTE
        self.at = self.start

    def runs(self, minute: datetime) -> bool:
        return self.calendar is None or bool(self.calendar.is_open(minute))

    def run_to(self, now: datetime, *, stands: bool) -> None:
        assert self.at is not None
        while self.at < now:
            self.ran += self.runs(self.at) and not (stands and self.may_pause)
            self.at += MINUTE


class Alarms(RuleBasedStateMachine):
    """A referral for social care and probation; people who answer, stop clocks, and watch."""

    count = 0

    def __init__(self, world: World, book: Policy, dsn: str) -> None:
        super().__init__()
        Alarms.count += 1
        self.world, self.dsn = world, dsn
        world.at("2026-12-14 10:00")
        status = world.routed(sample(8) | {"reference": f"MODEL/{Alarms.count}"})
        self.deliveries = {delivery["id"]: delivery["agency"] for delivery in status["deliveries"]}
        self.stands: set[str] = set()
        self.ended: set[str] = set()
        self.clocks = {
            (delivery["id"], deadline["milestone"]): self._clock(deadline, delivery["agency"], book)
            for delivery in status["deliveries"]
            for deadline in delivery["explanation"]["deadlines"]
        }

    @staticmethod
    def _clock(deadline: dict[str, Any], agency: str, book: Policy) -> Clock:
        organisation = book.directory.organisation(agency)
        assert organisation is not None
        by_the_clock = deadline["within"].rstrip("s").endswith(BY_THE_CLOCK)
        by_the_clock = by_the_clock and "working" not in deadline["within"]
        calendar = None if by_the_clock else organisation.calendar
        start, due_at = (datetime.fromisoformat(deadline[name]) for name in ("start", "due_at"))
        return Clock(start, due_at, calendar, deadline["may_pause"])

    @rule(minutes=st.sampled_from([61, 200, 433, 900, 1441, 2000]), then_watch=st.booleans())
    def wait(self, minutes: int, then_watch: bool) -> None:
        self.world.clock.advance(minutes=minutes)
        for (id_, _), clock in self.clocks.items():
            clock.run_to(self.world.clock.now, stands=id_ in self.stands)
        if then_watch:
            self.watch()

    @rule()
    def watch(self) -> None:
        self.world.watch()
        for (id_, _), clock in self.clocks.items():
            if clock.met or id_ in self.ended or (id_ in self.stands and clock.may_pause):
                continue
            now = self.world.clock.now
            clock.fired |= {p for p in PERCENTS if clock.ran * 100 >= p * clock.total}
            clock.fired |= {100} if clock.due_at <= now else set()

    @precondition(lambda self: self.world.clock.now.day > 15)
    @rule(data=st.data(), stage=st.sampled_from(["acknowledged", "acknowledged", "decided"]))
    def answer(self, data: st.DataObject, stage: str) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.deliveries)))
        outcome = {"outcome": "assessment"} if stage == "decided" else {}
        self.world.answer(
            self.deliveries[id_], delivery=id_, stage=stage, by="A. Person", **outcome
        )
        met = {"collect", "acknowledge"} | ({"decide"} if stage == "decided" else set())
        for milestone in met:
            if clock := self.clocks.get((id_, milestone)):
                clock.met = True
        if stage == "decided":
            self.ended.add(id_)

    @rule(data=st.data(), whom=st.sampled_from(["pausable", "pausable", "any"]))
    def pause(self, data: st.DataObject, whom: str) -> None:
        pausable = {of for (of, _), clock in self.clocks.items() if clock.may_pause}
        whose = pausable if whom == "pausable" else self.deliveries
        id_ = data.draw(st.sampled_from(sorted(whose)))
        answer = self._call(id_, "pause", {"reason": "information_requested"})
        may = any(clock.may_pause for (of, _), clock in self.clocks.items() if of == id_)
        runs = id_ not in self.ended
        assert (answer.status_code == 200) == (may and (runs or id_ in self.stands)), answer.text
        if answer.status_code == 200:
            self.stands.add(id_)

    @precondition(lambda self: self.stands)
    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        id_ = data.draw(st.sampled_from(sorted(self.stands)))
        due = self._call(id_, "resume", {}).json()["deadlines"]
        self.stands.discard(id_)
        for (of, milestone), clock in self.clocks.items():
            if of == id_:
                moved = datetime.fromisoformat(due[f"{milestone}_by"])
                assert moved >= clock.due_at
                assert clock.may_pause or moved == clock.due_at
                clock.due_at = moved

    @invariant()
    def each_rang_as_it_must(self) -> None:
        query = "select delivery, milestone, percent from alarm where delivery = any(%s)"
        with psycopg.connect(self.dsn) as connection:
            rows = connection.execute(query.encode(), [list(self.deliveries)]).fetchall()
        once = {(str(id_), milestone, percent) for id_, milestone, percent in rows}
        expected = {(*of, percent) for of, clock in self.clocks.items() for percent in clock.fired}
        assert once == expected
        moved = {key for key in once if key[2] == 100}
        assert len(rows) - len(once) <= len(moved), "only a breach may ring anew, when it moved"

    def _call(self, id_: str, call: str, body: dict[str, Any]) -> Any:
        headers = self.world.headers(self.deliveries[id_], "collect")
        return self.world.client.post(f"/v1/deliveries/{id_}/{call}", json=body, headers=headers)


def test_each_alarm_rings_when_it_must_and_once(world: World, book: Policy, dsn: str) -> None:
    explore(lambda: Alarms(world, book, dsn))
