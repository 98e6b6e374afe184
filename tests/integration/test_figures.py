"""The API, the pages, the metrics and the command line give the same answer to the same question.

One delivery is brought into each state by hand, with its deadlines missed, its clocks paused or its
agency suspended, and every door is asked what is open, late and claimable.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from broker.admin import operator_actions
from broker.dashboard.snapshot import Watch, agency_lines
from broker.devstack.rebase_times import rebase
from broker.domain.ids import OrganisationCode
from broker.flow.context import Context
from broker.flow.health_watch import HealthWatch
from tests.acceptance.conftest import World, sample, world
from tests.conftest import FixedClock
from tests.integration.gateway.conftest import listening
from tests.unit.cli.conftest import Run, run

__all__ = ["run", "world"]

AVAILABLE = timedelta(hours=6)
"""How long ago it was available and its clock began."""
STATES = ("held", "available", "leased", "collected", "acknowledged", "undeliverable")
ENDED = ("decided", "returned", "recalled", "acknowledged correction")
MILESTONES = ["collect", "acknowledge", "decide"]
FORCE = """
update delivery
set state = %(state)s, kind = %(kind)s, follows = case %(kind)s when 'correction' then id end,
    channel = 'queue', available_at = %(since)s, clock_start = %(since)s,
    collect_by = %(collect_by)s, acknowledge_by = %(other_by)s, decide_by = %(other_by)s,
    paused_at = %(paused_at)s, standing = %(standing)s, attempt = 1,
    next_attempt_at = case %(state)s when 'available' then %(retry_at)s end,
    lease = gen_random_uuid(),
    lease_until = case %(state)s when 'leased' then %(other_by)s::timestamptz end,
    collected_at = case when %(state)s = any('{collected,acknowledged,decided}')
                        then %(since)s::timestamptz end,
    acknowledged_at = case when %(state)s = any('{acknowledged,decided}')
                           then %(since)s::timestamptz end,
    decided_at = case %(state)s when 'decided' then %(since)s::timestamptz end,
    returned_at = case %(state)s when 'returned' then %(since)s::timestamptz end,
    recalled_at = case %(state)s when 'recalled' then %(since)s::timestamptz end,
    undeliverable_at = case %(state)s when 'undeliverable' then %(since)s::timestamptz end
where id = %(id)s
"""


@dataclass(frozen=True, slots=True)
class Situation:
    """What else is true of the delivery, and what follows from it."""

    collect_in: timedelta
    other_in: timedelta
    paused_ago: timedelta | None = None
    is_suspended: bool = False
    retry_in: timedelta = -timedelta(hours=1)
    late: tuple[str, ...] = ()
    """The states in which it is overdue."""
    is_claimable: bool = True
    """While it is available."""


MISSED, AHEAD = -timedelta(hours=2), timedelta(hours=5)
NOT_HELD = STATES[1:]
SITUATIONS = {
    "in time": Situation(AHEAD, AHEAD),
    "every deadline missed": Situation(MISSED, MISSED, late=NOT_HELD),
    "not collected in time": Situation(
        MISSED, AHEAD, late=("available", "leased", "undeliverable")
    ),
    "clocks paused before the deadlines": Situation(MISSED, MISSED, paused_ago=timedelta(hours=3)),
    "clocks paused after the deadlines": Situation(
        MISSED, MISSED, paused_ago=timedelta(hours=1), late=NOT_HELD
    ),
    "agency suspended": Situation(
        MISSED, MISSED, is_suspended=True, late=NOT_HELD, is_claimable=False
    ),
    "waiting for a retry": Situation(AHEAD, AHEAD, retry_in=AHEAD, is_claimable=False),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """What one door says about an agency's queue."""

    states: tuple[int, ...]
    overdue: int
    oldest_claimable_at: datetime | None
    oldest_unacknowledged_at: datetime | None


@pytest.fixture
def clock() -> FixedClock:
    """The present: commands read the ledger with PostgreSQL's own clock."""
    return FixedClock(datetime.now(UTC).replace(microsecond=0))


@pytest.fixture
def delivery(world: World) -> dict[str, Any]:
    """A delivery with an agency to itself."""
    status = world.routed(rebase(sample(2), now=world.clock.now))
    (found,) = status["deliveries"]
    return dict(found)


class Doors:
    """Everything that answers what is open at an agency."""

    def __init__(self, context: Context, client: TestClient, key: Any, run: Run) -> None:
        self._context = context
        self._client = client
        self._key = key
        self._run = run

    def figures(self, agency: str) -> dict[str, Figures]:
        """Return each door's figures by its name."""
        return {
            "GET /v1/queue": self._queue(agency),
            "GET /v1/queues": self._queues(agency),
            "pages": self._pages(agency),
            "metrics": self._metrics(agency),
            "queue list": self._command(agency),
        }

    def breached(self) -> dict[str, int]:
        """Return how many deadlines each door counts as missed."""
        top = json.loads(self._command_line("top", "--json"))
        left = self._samples("broker_open_by_time_left", left="breached")
        return {
            "pages": self._watch().picture("24h", "1h").counts.breached,
            "top": top["breached"],
            "bands of top": sum(top["bands"]["breached"].values()),
            "queues of top": sum(queue["overdue"] for queue in top["queues"]),
            "metrics": int(left),
        }

    def _watch(self) -> Watch:
        return Watch(self._context, HealthWatch(self._context))

    def longest_unacknowledged(self) -> float | None:
        """Return for how many seconds the oldest has waited."""
        limits = ("--warn", "90d", "--crit", "91d", "--format", "json")
        checked = json.loads(self._command_line("check", "oldest", *limits))
        seconds: float | None = checked["seconds"]
        return seconds

    def _queue(self, agency: str) -> Figures:
        return _from_json(self._get("/v1/queue", agency, "collect"))

    def _queues(self, agency: str) -> Figures:
        queues = self._get("/v1/queues", "ops", "ops")["queues"]
        return _from_json(next((q for q in queues if q["agency"] == agency), {}))

    def _pages(self, agency: str) -> Figures:
        code = OrganisationCode(agency)
        now = self._context.clock()
        (line,) = agency_lines(self._context, "24h", now=now, agency=code)
        work = line.work
        return Figures(
            tuple(getattr(work, state) for state in STATES[:-1]),
            work.overdue,
            work.oldest_claimable_at,
            work.oldest_unacknowledged_at,
        )

    def _metrics(self, agency: str) -> Figures:
        states = [
            int(self._samples("broker_deliveries", agency=agency, state=state))
            for state in STATES[:-1]
        ]
        return Figures(
            tuple(states),
            int(self._samples("broker_deliveries_overdue", agency=agency)),
            self._since("broker_oldest_claimable_seconds", agency),
            self._since("broker_oldest_unacknowledged_seconds", agency),
        )

    def _command(self, agency: str) -> Figures:
        queues = json.loads(self._command_line("queue", "list", "--json"))
        return _from_json(next((q for q in queues if q["agency"] == agency), {}))

    def _command_line(self, *arguments: str) -> str:
        secret = self._key("ops", "ops")["Authorization"].removeprefix("Bearer ")
        with listening(self._context) as url:
            return self._run(*arguments, BROKER_URL=url, BROKER_KEY=secret).out

    def _get(self, path: str, organisation: str, scope: str) -> dict[str, Any]:
        answer = self._client.get(path, headers=self._key(organisation, scope))
        assert answer.status_code == 200
        return dict(answer.json())

    def _samples(self, name: str, **labels: str) -> float:
        text = self._client.get("/metrics", headers=self._key("ops", "ops")).text
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name and labels.items() <= sample.labels.items()
        )

    def _since(self, name: str, agency: str) -> datetime | None:
        age = self._samples(name, agency=agency)
        return self._context.clock() - timedelta(seconds=age) if age else None


def _from_json(queue: dict[str, Any]) -> Figures:
    return Figures(
        tuple(queue.get(state, 0) for state in STATES[:-1]),
        queue.get("overdue", 0),
        _instant(queue.get("oldest_claimable_at")),
        _instant(queue.get("oldest_unacknowledged_at")),
    )


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def force(context: Context, id_: UUID, state: str, situation: Situation) -> None:
    """Bring a delivery into a state and a situation."""
    now = context.clock()
    paused_at = now - situation.paused_ago if situation.paused_ago else None
    values = {
        "id": id_,
        "state": state.split(maxsplit=1)[0],
        "kind": "correction" if "correction" in state else "referral",
        "since": now - AVAILABLE,
        "collect_by": now + situation.collect_in,
        "other_by": now + situation.other_in,
        "paused_at": paused_at,
        "standing": MILESTONES if paused_at else [],
        "retry_at": now + situation.retry_in,
    }
    with psycopg.connect(context.settings.database_url) as connection:
        connection.execute(FORCE.encode(), values)


def expected(state: str, situation: Situation, since: datetime) -> Figures:
    """Return what is true, worked out from the rules in docs/operations.md."""
    is_claimable = state == "available" and situation.is_claimable
    is_unacknowledged = state in {"available", "leased", "collected", "undeliverable"}
    return Figures(
        tuple(int(state == other) for other in STATES[:-1]),
        int(state in situation.late),
        since if is_claimable else None,
        since if is_unacknowledged else None,
    )


def taken(context: Context) -> int:
    """Return how many deliveries a worker would take to push now."""
    offers = context.ledger.deliveries.claim_pushes(
        "queue",
        limit=10,
        lease_for=timedelta(minutes=1),
        now=context.clock(),
        new_id=context.new_id,
    )
    return len(offers)


@pytest.mark.parametrize("situation", SITUATIONS)
def test_every_door_gives_the_same_figures(
    context: Context,
    client: TestClient,
    key: Callable[..., dict[str, str]],
    run: Run,
    delivery: dict[str, Any],
    situation: str,
) -> None:
    about, doors, agency = (
        SITUATIONS[situation],
        Doors(context, client, key, run),
        delivery["agency"],
    )
    if about.is_suspended:
        operator_actions.suspend_agency(
            context, OrganisationCode(agency), by="person:Jo Example", reason="their servers move"
        )
    since = context.clock() - AVAILABLE
    for state in (*STATES, *ENDED):
        force(context, UUID(delivery["id"]), state, about)
        truth = expected(state, about, since)
        figures = doors.figures(agency)
        assert figures == dict.fromkeys(figures, truth), state
        breached = doors.breached()
        assert breached == dict.fromkeys(breached, truth.overdue), state
        seconds = doors.longest_unacknowledged()
        assert (seconds is None) == (truth.oldest_unacknowledged_at is None), state
        assert seconds is None or abs(seconds - AVAILABLE.total_seconds()) < 600
        if state == "available":
            assert taken(context) == int(truth.oldest_claimable_at is not None)
