"""Every fault that can strike: each begins, lasts, and is over when its function returns."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

import psycopg
from redis import Redis

from broker import failpoints
from broker.devstack.engines import Valkey
from tests import host_clock
from tests.faults.journal import Flooded, Stopped
from tests.faults.processes import Installation, Service, engine_pids, kill_engine

Blow = Callable[[Installation, float, Random], str]
"""Strikes for so many seconds, and says whom."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A blow, how long it may last, and the part that only one strike at a time may touch."""

    blow: Blow
    part: str
    seconds: tuple[float, float]


# Processes


def kill(part: str, town: Installation, seconds: float, dice: Random) -> str:
    """Kill a gateway or a worker with all its children; it is away for a while."""
    with _down(_one(part, town, dice)) as service:
        service.kill()
        time.sleep(seconds)
    return service.name


def end(part: str, town: Installation, seconds: float, dice: Random) -> str:
    """Ask one to end in order, with work under way."""
    with _down(_one(part, town, dice)) as service:
        service.end()
        time.sleep(seconds)
    return service.name


def freeze(part: str, town: Installation, seconds: float, dice: Random) -> str:
    """Stop one where it stands, with everything that it started."""
    service = _one(part, town, dice)
    return _frozen(town, [service.pid, *service.children()], seconds, service.name)


def kill_a_parent(town: Installation, _: float, dice: Random) -> str:
    """Kill a worker's parent alone; its children must not go on for ever."""
    service = _one("worker", town, dice)
    with suppress(ProcessLookupError):
        os.kill(service.pid, signal.SIGKILL)
    return service.name


def kill_a_child(town: Installation, _: float, dice: Random) -> str:
    service = _one("worker", town, dice)
    return f"{service.name}, {service.kill_a_child(dice)} children"


def freeze_a_child(town: Installation, seconds: float, dice: Random) -> str:
    service = _one("worker", town, dice)
    return _frozen(town, service.children(), seconds, service.name)


def kill_the_leader(town: Installation, seconds: float, dice: Random) -> str:
    leader = _leader(town)
    if leader is None:
        return "nobody leads"
    with _down(leader):
        leader.kill()
        time.sleep(seconds)
    return leader.name


def freeze_the_leader(town: Installation, seconds: float, dice: Random) -> str:
    """Stop it for longer than its lead lasts, so that another one takes over meanwhile."""
    leader = _leader(town)
    if leader is None:
        return "nobody leads"
    return _frozen(town, [leader.pid], seconds, leader.name)


def take_the_workers_away(town: Installation, seconds: float, _: Random) -> str:
    """Keep every worker down until the gateways have raised the alarm; then let them come back.

    What the alarm needs is left alone meanwhile, so that nothing excuses its absence.
    """
    if seconds < AWAY_SECONDS[0]:
        return "nobody: the run is too short"
    with ExitStack() as calm:
        for part in ("points", "gateway", "ledger", "link to ledger", "link to mail", "clock"):
            calm.enter_context(town.locks[part])
        with ExitStack() as down:
            for worker in town.workers:
                down.enter_context(_down(worker))
                worker.kill()
            told = _seconds_until(lambda: _is_told(town), seconds)
        over = _seconds_until(lambda: not _sql(town, _RUNNING), BACK_SECONDS)
    town.outages.append(Stopped(told, over))
    return f"told after {told or seconds:.0f} s"


AWAY_SECONDS = (110.0, 130.0)
"""Nearly twice what the alarm may take on a machine that has nothing else to do."""
BACK_SECONDS = 120.0
_RUNNING = "select id from outage where ended_at is null"
_ALARMS = "select id::text from notice where kind = 'organisation.broker_stopped'"


def _is_told(town: Installation) -> bool:
    """Tell whether the mail server has the alarm of an outage that runs."""
    return bool(_sql(town, _RUNNING)) and any(
        id_ in town.mail.ids for (id_,) in _sql(town, _ALARMS)
    )


def _seconds_until(check: Callable[[], bool], seconds: float) -> float | None:
    began = time.monotonic()
    while (waited := time.monotonic() - began) < seconds:
        if check():
            return waited
        time.sleep(0.5)
    return None


# Floods

FLOOD_ADDRESS = "127.0.0.7"
FLOOD_START_SECONDS = 180.0
"""How long a flood may take to start: it has less right to the processor than everything else."""
ROOT = Path(__file__).parents[2]


def flood(town: Installation, seconds: float, dice: Random) -> str:
    """Make calls with one key without a pause, or many that wait, from an address of their own."""
    service, kind = _one("gateway", town, dice), dice.choice(("calls", "polls"))
    command = [sys.executable, "-m", "tests.floods.flooding", kind, str(service.port)]
    command += [town.flood_key, str(seconds), FLOOD_ADDRESS]
    limit = seconds + FLOOD_START_SECONDS
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=limit
    )
    answers = json.loads(done.stdout.splitlines()[-1])
    town.floods.append(Flooded(kind, seconds, answers))
    return f"{service.name}, {kind}: {answers}"


# Logs


def spoil_a_log(part: str, town: Installation, seconds: float, dice: Random) -> str:
    """Run one for a while with a log that cannot be written: full, without a reader, or unread."""
    service, kind = _one(part, town, dice), dice.choice(("full", "closed", "unread"))
    with _down(service), _bad_log(kind) as descriptor:
        service.kill()
        service.start(descriptor, BROKER_LOG_LEVEL="debug")
        time.sleep(seconds)
        if service.own_end:
            town.ends.append(f"{service.own_end}, its log being {kind}")
        service.kill()
    return f"{service.name}, {kind}"


@contextmanager
def _bad_log(kind: str) -> Iterator[int]:
    if kind == "full":
        with Path("/dev/full").open("wb") as full:
            yield full.fileno()
        return
    reader, writer = os.pipe()
    if kind == "closed":
        os.close(reader)
    try:
        yield writer
    finally:
        os.close(writer)
        if kind == "unread":
            os.close(reader)


# Connections

MANNERS = ("silent", "deaf", "mute", "drip")


def spoil_connections(server: str, town: Installation, seconds: float, dice: Random) -> str:
    """Let connections swallow what is sent, what is answered or both, or drip.

    Either those that there are, with new ones that work, or all for a while.
    """
    relay, manner = town.relays[server], dice.choice(MANNERS)
    if dice.random() < 0.5:
        relay.make_present(manner)
        time.sleep(seconds)
        return f"{manner}, those that were open"
    relay.make_all(manner)
    time.sleep(seconds)
    relay.speak()
    return f"{manner}, all"


# Named points


def order(point: str, what: str, town: Installation, seconds: float, _: Random) -> str:
    """Kill, freeze or delay whoever reaches a point first."""
    (town.points / point).write_text(what)
    taken = _wait_until_taken(town, point, seconds + 1)
    (town.points / point).unlink(missing_ok=True)
    if taken is None:
        return "nobody came"
    if what == "freeze":
        return _frozen(town, [taken], seconds, f"process {taken}")
    return f"process {taken}"


def overtake_a_dispatcher(town: Installation, seconds: float, dice: Random) -> str:
    """Freeze one between sending and settling until its claim has lapsed and others have sent."""
    (town.points / failpoints.SENT).write_text("freeze")
    taken = _wait_until_taken(town, failpoints.SENT, seconds + 2)
    (town.points / failpoints.SENT).unlink(missing_ok=True)
    if taken is None:
        return "nobody came"
    town.freeze(taken)
    with town.locks["clock"]:
        town.go_ahead(65)  # longer than a claim for a push
    time.sleep(4)  # the claims lapse; another process claims, sends and settles
    town.thaw(taken)
    return f"process {taken}"


# Valkeys


def kill_valkey(part: str, town: Installation, seconds: float, _: Random) -> str:
    engine = _valkey(part, town)
    engine.kill()
    time.sleep(seconds)
    engine.start()
    return part


def wipe_valkey(part: str, town: Installation, _: float, __: Random) -> str:
    _valkey(part, town).wipe()
    return part


def fill_valkey(part: str, town: Installation, seconds: float, _: Random) -> str:
    """Let it refuse every write for want of memory."""
    with _client(_valkey(part, town)) as client:
        client.config_set("maxmemory", 1)
        time.sleep(seconds)
        client.config_set("maxmemory", 512 * 1024 * 1024)
    return part


GARBAGE = (b"garbage", b"5", b"null", b"[" * 100_000, b'"text"', b"\xff\xfe", b"[]", b"{}", b"")


def spoil_wake_ups(town: Installation, _: float, dice: Random) -> str:
    """Put what is no message into the list of wake-ups; no worker ends for it."""
    elements = dice.sample(GARBAGE, 3)
    with _client(town.engines.wakeup) as client:
        client.lpush(f"rb:{dice.choice(('route', 'dispatch'))}", *elements)
    return f"{len(elements)} elements"


def slow_valkey(part: str, town: Installation, seconds: float, dice: Random) -> str:
    return _slow(town, lambda: engine_pids(_valkey(part, town)), seconds, dice)


def take_both_valkeys_away(town: Installation, seconds: float, _: Random) -> str:
    with town.locks["wakeup"]:
        engines = (town.engines.wakeup, town.engines.exchange)
        for engine in engines:
            engine.kill()
        time.sleep(seconds)
        for engine in engines:
            engine.start()
    return "both"


# PostgreSQL


def restart_ledger(town: Installation, seconds: float, _: Random) -> str:
    town.engines.postgres.stop()
    time.sleep(seconds)
    town.engines.postgres.start()
    return "in order"


def kill_ledger(town: Installation, seconds: float, _: Random) -> str:
    kill_engine(town.engines.postgres)
    time.sleep(seconds)
    town.engines.postgres.start()
    return "kill -9"


def cut_connections(town: Installation, _: float, __: Random) -> str:
    """End every session of the broker, whatever it is at."""
    cut = _sql(
        town,
        "select count(pg_terminate_backend(pid)) from pg_stat_activity"
        " where application_name like 'broker%'",
    )
    return f"{cut[0][0]} sessions"


def stall_ledger(town: Installation, seconds: float, _: Random) -> str:
    """Let it take connections and answer nothing: what a one-way cut of the network looks like."""
    return _frozen(town, engine_pids(town.engines.postgres), seconds, "PostgreSQL")


def slow_ledger(town: Installation, seconds: float, dice: Random) -> str:
    return _slow(town, lambda: engine_pids(town.engines.postgres), seconds, dice)


def lock_deliveries(town: Installation, seconds: float, _: Random) -> str:
    """Hold the table of deliveries, as a careless administrator would."""
    with _session(town) as session, session.transaction():
        session.execute("set local lock_timeout = '5s'")
        session.execute("lock table delivery in access exclusive mode")
        time.sleep(seconds)
    return "access exclusive"


def hold_a_snapshot(town: Installation, seconds: float, _: Random) -> str:
    """Keep a transaction open that writes nothing: the feeds wait, and skip nothing."""
    with _session(town) as session, session.transaction():
        session.execute("select pg_current_xact_id()")
        time.sleep(seconds)
    return "open transaction"


def fill_ledger(town: Installation, seconds: float, _: Random) -> str:
    """Refuse every new row as PostgreSQL does when its disk is full (SQLSTATE 53100)."""
    tables = ("referral", "delivery", "event", "answer")
    with _session(town) as session:
        session.execute(_FULL)
        try:
            for table in tables:
                session.execute(
                    f"create trigger disk_full before insert on {table}"
                    " for each statement execute function refuse_for_want_of_space()".encode()
                )
            time.sleep(seconds)
        finally:
            for table in tables:
                session.execute(f"drop trigger if exists disk_full on {table}".encode())
    return "53100"


_FULL = """
create or replace function refuse_for_want_of_space() returns trigger language plpgsql as $$
begin
    raise exception 'could not extend file: No space left on device' using errcode = '53100';
end
$$
"""


# Clocks


def step_one_clock(town: Installation, seconds: float, dice: Random) -> str:
    """Set the clock of one process's host wrong, and right again."""
    service, off = dice.choice(town.services), dice.choice(STEPS)
    with _wrong_clock(town, service, off):
        time.sleep(seconds)
    return f"{service.name} {off:+d} s"


def step_all_clocks(town: Installation, seconds: float, dice: Random) -> str:
    """Set the clocks of all hosts but the ledger's wrong, and right again."""
    off = dice.choice(STEPS)
    with _wrong_clock(town, None, off):
        time.sleep(seconds)
    return f"{off:+d} s"


def kill_a_leader_of_the_future(town: Installation, seconds: float, dice: Random) -> str:
    """Set the leader's clock wrong, and kill it there: its lead must end when any lead does."""
    leader, off = _leader(town), dice.choice(STEPS)
    if leader is None:
        return "nobody leads"
    with _wrong_clock(town, leader, off), _down(leader):
        time.sleep(seconds)
        leader.kill()
    return f"{leader.name} {off:+d} s"


def start_in_another_time(town: Installation, seconds: float, dice: Random) -> str:
    """Start one on a host whose clock is wrong, and correct it while it runs."""
    service, off = dice.choice(town.services), dice.choice(STEPS)
    with _wrong_clock(town, service, off):
        with _down(service):
            service.kill()
        time.sleep(seconds)
    return f"{service.name} {off:+d} s"


def leap_ahead(town: Installation, _: float, __: Random) -> str:
    """Let the ledger's clock leap ahead for good, by more than any lease."""
    town.go_ahead(20)
    return "+20 s"


def change_policy(town: Installation, _: float, __: Random) -> str:
    """Put another version in force, in the midst of the traffic."""
    return town.publish_policy()


STEPS = (-3600, -600, -45, -10, 10, 45, 600, 3600)
"""How far a clock of a host is set wrong, in seconds."""
_PARTS = ("gateway", "worker")
_VALKEYS = ("wakeup", "exchange")
FAULTS: Mapping[str, Fault] = {
    **{f"{part}-killed": Fault(partial(kill, part), part, (0, 2)) for part in _PARTS},
    **{f"{part}-ended": Fault(partial(end, part), part, (0, 1)) for part in _PARTS},
    **{f"{part}-frozen": Fault(partial(freeze, part), part, (1, 6)) for part in _PARTS},
    **{f"{part}-log-spoilt": Fault(partial(spoil_a_log, part), part, (5, 9)) for part in _PARTS},
    **{
        f"link-to-{server}-spoilt": Fault(
            partial(spoil_connections, server), f"link to {server}", (3, 9)
        )
        for server in ("ledger", "wakeup", "exchange", "mail")
    },
    "wakeup-garbage": Fault(spoil_wake_ups, "wakeup", (0, 0)),
    "parent-killed": Fault(kill_a_parent, "worker", (0, 0)),
    "child-killed": Fault(kill_a_child, "worker", (0, 0)),
    "child-frozen": Fault(freeze_a_child, "worker", (1, 6)),
    "leader-killed": Fault(kill_the_leader, "worker", (0, 2)),
    "workers-away": Fault(take_the_workers_away, "worker", AWAY_SECONDS),
    "flood": Fault(flood, "flood", (2, 6)),
    "leader-frozen": Fault(freeze_the_leader, "worker", (6, 8)),
    **{
        f"{point}-{what}": Fault(partial(order, point, what), "points", (1, 4))
        for point in (
            failpoints.ACCEPTED,
            failpoints.MARKED,
            failpoints.BEGUN,
            failpoints.DECIDED,
            failpoints.ROUTED,
            failpoints.LEASED,
            failpoints.SENT,
            failpoints.SETTLED,
            failpoints.LED,
        )
        for what in ("kill", "freeze")
    },
    "dispatcher-overtaken": Fault(overtake_a_dispatcher, "points", (1, 2)),
    **{
        f"{part}-valkey-killed": Fault(partial(kill_valkey, part), part, (0, 4))
        for part in _VALKEYS
    },
    **{
        f"{part}-valkey-wiped": Fault(partial(wipe_valkey, part), part, (0, 0)) for part in _VALKEYS
    },
    **{f"{part}-valkey-full": Fault(partial(fill_valkey, part), part, (1, 4)) for part in _VALKEYS},
    **{f"{part}-valkey-slow": Fault(partial(slow_valkey, part), part, (1, 5)) for part in _VALKEYS},
    "valkeys-away": Fault(take_both_valkeys_away, "exchange", (5, 60)),
    "ledger-restarted": Fault(restart_ledger, "ledger", (0, 2)),
    "ledger-killed": Fault(kill_ledger, "ledger", (0, 2)),
    "ledger-cut": Fault(cut_connections, "ledger", (0, 0)),
    "ledger-stalled": Fault(stall_ledger, "ledger", (1, 6)),
    "ledger-slow": Fault(slow_ledger, "ledger", (2, 5)),
    "ledger-locked": Fault(lock_deliveries, "ledger", (1, 4)),
    "ledger-full": Fault(fill_ledger, "ledger", (1, 4)),
    "snapshot-held": Fault(hold_a_snapshot, "ledger", (2, 6)),
    "clock-stepped": Fault(step_one_clock, "clock", (2, 8)),
    "clocks-stepped": Fault(step_all_clocks, "clock", (2, 5)),
    "clock-leader-killed": Fault(kill_a_leader_of_the_future, "clock", (2, 4)),
    "clock-wrong-at-start": Fault(start_in_another_time, "clock", (3, 8)),
    "clocks-ahead": Fault(leap_ahead, "clock", (0, 0)),
    "policy-changed": Fault(change_policy, "policy", (0, 0)),
}


def _one(part: str, town: Installation, dice: Random) -> Service:
    return dice.choice(town.gateways if part == "gateway" else town.workers)


def _leader(town: Installation) -> Service | None:
    """Return the worker whose process holds the lead of the sweep."""
    holders = [row[0] for row in _sql(town, "select holder from lead where name = 'sweep'")]
    return next(
        (worker for worker in town.workers if any(h.endswith(f":{worker.pid}") for h in holders)),
        None,
    )


@contextmanager
def _wrong_clock(town: Installation, only: Service | None, off: float) -> Iterator[None]:
    """Set the clock of one host, or of all, wrong meanwhile."""
    if not host_clock.IS_INSTALLED:
        raise LookupError("Install Debian's package faketime.")
    town.set_clocks(only, off=off)
    try:
        yield
    finally:
        town.set_clocks()


@contextmanager
def _down(service: Service) -> Iterator[Service]:
    """Keep the supervisor from starting a service again meanwhile."""
    service.resting = True
    try:
        yield service
    finally:
        service.resting = False


def _frozen(town: Installation, pids: list[int], seconds: float, whom: str) -> str:
    town.freeze(*pids)
    time.sleep(seconds)
    town.thaw(*pids)
    return whom


def _slow(town: Installation, pids: Callable[[], list[int]], seconds: float, dice: Random) -> str:
    """Let an engine run for a twentieth of a second at a time, with long pauses."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        _frozen(town, pids(), dice.uniform(0.1, 0.4), "")
        time.sleep(0.05)
    return "in fits"


def _wait_until_taken(town: Installation, point: str, seconds: float) -> int | None:
    """Return the process that took an order, or None when nobody did in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        for taken in town.points.glob(f"{point}.taken.*"):
            taken.unlink()
            return int(taken.name.rpartition(".")[2])
        time.sleep(0.01)
    return None


def _valkey(part: str, town: Installation) -> Valkey:
    return town.engines.wakeup if part == "wakeup" else town.engines.exchange


@contextmanager
def _client(engine: Valkey) -> Iterator[Redis]:
    client = Redis.from_url(engine.url, socket_timeout=5)
    try:
        yield client
    finally:
        client.close()


@contextmanager
def _session(town: Installation) -> Iterator[psycopg.Connection]:
    url = town.engines.database_url
    with psycopg.connect(url, autocommit=True, connect_timeout=5) as session:
        yield session


def _sql(town: Installation, statement: str) -> list[tuple]:
    with _session(town) as session:
        return session.execute(statement.encode()).fetchall()
