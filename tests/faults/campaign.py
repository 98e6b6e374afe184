"""A run: calm, faults under load, rest; then the checker speaks.

``python -m tests.faults --seconds 60 --seed 7``, or ``make faults SECONDS=60 SEED=7``.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random

import psycopg

from broker import failpoints
from broker.admin import signing_keys
from broker.admin.api_keys import issue
from broker.admin.publish_policy import publish
from broker.channels.registry import CHANNELS
from broker.devstack.engines import Engines, as_application
from broker.domain.codes import Scope
from broker.domain.ids import OrganisationCode
from broker.ledger import migrate
from broker.ledger.ledger import Ledger
from tests.faults import documents, witness
from tests.faults.checker import RECOVERY_SECONDS, Finding, check
from tests.faults.collecting import Agency, Mailbox, QueueReader, private_key
from tests.faults.journal import Journal, Struck
from tests.faults.processes import Installation
from tests.faults.publishing import Publisher
from tests.faults.recalling import Recaller
from tests.faults.schedule import Strike, plan
from tests.faults.strikes import FAULTS, Fault
from tests.faults.waiting import WAIT, Waiter
from tests.faults.wire import Wire

ROOT = Path(__file__).parents[2]
START_SECONDS = 180.0
"""How long the processes may take to start: the machine may be busy with many."""
WARM_UP = 6
PROBES = 3
DELAY_SECONDS = 2.0
"""In the calm, how long the broker lingers between a commit and its wake-up."""
HOLD_SECONDS = 10.0
"""In the calm, how long each sweep is held."""
AWAY_SHARE = 0.3
"""Of the runs, in how many the agency with a queue is away until the faults are over."""
LOOKED_AT = 100
"""Referrals that each publisher asks about at the end."""
DEADLOCK = "ERROR:  deadlock detected"
LONG = 4 * 3600 + 60
"""Longer than a copy ever lies in an agency's queue before it is sent again."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Result:
    """What a run came to."""

    seed: int
    strikes: Sequence[Strike]
    journal: Journal
    ledger: witness.Ledger
    findings: Sequence[Finding]
    folder: Path


class Campaign:
    """Clients, faults and processes of one run."""

    def __init__(
        self,
        town: Installation,
        keys: Mapping[str, str],
        seed: int,
        journal: Journal,
        say: Say,
        *,
        recalls: bool = False,
    ) -> None:
        self.town = town
        self.journal = journal
        self._keys = keys
        self._seed = seed
        self._say = say
        self._run = f"R{seed}"
        self.publishers = [self._publisher(code) for code in documents.PUBLISHERS]
        self.agencies: list[Agency] = [
            Mailbox(code, self._wire(code, place), self._dice(code, place), journal)
            for code in documents.MAILBOX_AGENCIES
            for place in (1, 2)
        ]
        code, exchange = documents.QUEUE_AGENCY, self.town.engines.exchange
        self.reader = QueueReader(
            code, self._wire(code, 1), self._dice(code, 1), journal, lambda: exchange.url
        )
        self.agencies.append(self.reader)
        self.waiter = Waiter(
            [self._wire(documents.WAITER, place) for place in (1, 2)],
            ["/v1/collect", f"/v1/events?wait={WAIT}"],
        )
        self._recallers = [self._recaller()] if recalls else []

    def calm(self) -> None:
        """Wait until all is up; then see whether wake-ups alone get referrals routed.

        The sweeps are held meanwhile, and the broker lingers between a commit and its wake-up: one
        that came before the commit would find nothing, and nobody would look again.
        """
        publisher = self.publishers[0]
        until(lambda: publisher.hand_in_one().receipt is not None, START_SECONDS)
        for _ in range(WARM_UP):  # workers load what they need with their first batch
            self._lag(publisher)
        self._hold_the_leader()
        orders = {failpoints.ACCEPTED: DELAY_SECONDS, failpoints.LED: HOLD_SECONDS}
        for point, seconds in orders.items():
            (self.town.points / point).write_text(f"always delay {seconds}")
        self.journal.lags = [self._lag(publisher) for _ in range(PROBES)]
        for point in orders:
            (self.town.points / point).unlink()
        lags = ", ".join(f"{lag:.2f}" for lag in self.journal.lags)
        self._say(f"calm: routed {lags} s after the receipts")

    def storm(
        self, strikes: Sequence[Strike], faults: Mapping[str, Fault], *, late: Sequence[Agency]
    ) -> None:
        """Load, and every strike at its time; agencies that are ``late`` begin afterwards."""
        for client in (*self.publishers, *self.agencies):
            if client not in late:
                client.start()
        self.waiter.start()
        for recaller in self._recallers:
            recaller.start()
        began = time.monotonic()
        threads = []
        for strike in strikes:
            time.sleep(max(0.0, began + strike.at - time.monotonic()))
            thread = threading.Thread(target=self._strike, args=(strike, faults[strike.name]))
            thread.start()
            threads.append(thread)
        for thread in threads:
            thread.join()
        self.town.heal()
        for agency in late:
            agency.start()

    def rest(self, *, leaps: int = 4) -> None:
        """Let everything come to rest; copies in queues are waited for with the clock's help.

        ``leaps``: how often the ledger's clock may leap ahead, for as long as a copy is patient.
        """
        self.journal.crowding = crowding()
        began = time.monotonic()
        self.waiter.close()
        for agency in self.agencies:
            agency.sober_up()
        for client in (*self.publishers, *self._recallers):
            client.stop()
        left = await_rest(self.journal, self._unfinished)
        self.journal.drained_after = time.monotonic() - began
        for _ in range(leaps):
            if left or not self._open(queues=True):
                break
            self.town.go_ahead(LONG)
            left = await_rest(self.journal, partial(self._open, queues=True))
        self.journal.undrained = left
        self._close()

    def _close(self) -> None:
        for publisher in self.publishers:
            publisher.look(LOOKED_AT)
        for client in (*self.agencies, *self._recallers):
            client.close()
        for publisher in self.publishers:
            publisher.close(RECOVERY_SECONDS * self.journal.crowding)

    def _strike(self, strike: Strike, fault: Fault) -> None:
        with self.town.locks[fault.part]:
            began = time.monotonic()
            try:
                note = fault.blow(self.town, strike.seconds, Random(strike.seed))
            except Exception as error:  # another strike was in the way; the run goes on
                note = f"missed: {type(error).__name__}"
            self.journal.struck.append(Struck(strike.name, began, time.monotonic(), note))
        self._say(f"{strike.at:6.1f} s  {strike.name} for {strike.seconds:.1f} s: {note}")

    def _hold_the_leader(self) -> None:
        """Wait until the leader of the sweeps has come to where it is held."""
        order = self.town.points / failpoints.LED
        order.write_text(f"delay {HOLD_SECONDS}")
        until(lambda: not order.exists(), START_SECONDS)
        for taken in self.town.points.glob(f"{order.name}.taken.*"):
            taken.unlink()

    def _lag(self, publisher: Publisher) -> float:
        handed = publisher.hand_in_one()
        if handed.receipt is None:
            return START_SECONDS
        referral = handed.receipt["id"]
        until(lambda: publisher.is_routed(referral), START_SECONDS)
        lag = time.monotonic() - handed.told_at
        time.sleep(0.05)
        return lag

    def _unfinished(self) -> list[str]:
        """Return what is not answered for yet; then what is open in the ledger."""
        repeated = sum(client.unanswered for client in (*self.publishers, *self._recallers))
        left = [f"{repeated} calls were repeated without an answer"] if repeated else []
        return left or self._open(queues=False)

    def _open(self, *, queues: bool) -> list[str]:
        return witness.unfinished(self.town.engines.database_url, queues=queues)

    def _publisher(self, code: str) -> Publisher:
        wire, dice = self._wire(code, 0), self._dice(code, 0)
        return Publisher(code, wire, dice, self.journal, self._run)

    def _recaller(self) -> Recaller:
        wires = {code: self._wire(code, 3) for code in documents.PUBLISHERS}
        ops = self._wire(documents.OPERATOR, 1)
        return Recaller(wires, ops, self._dice("recalls", 0), self.journal)

    def _wire(self, code: str, place: int) -> Wire:
        dice = self._dice(f"wire {code}", place)
        return Wire(code, self._keys[code], self.town.ports, self.journal, dice)

    def _dice(self, who: str, place: int) -> Random:
        return Random(f"{self._seed} {who} {place}")


def run(
    seed: int,
    seconds: float,
    *,
    say: Say = lambda _: None,
    tree: Path = ROOT,
    strikes: Sequence[Strike] | None = None,
    folder: Path | None = None,
    reader_is_away: bool | None = None,
    faults: Mapping[str, Fault] = FAULTS,
    prepare: Callable[[Engines], dict[str, str]] | None = None,
    look: Callable[[Engines], None] | None = None,
) -> Result:
    """Strike for so many seconds, wait for rest, and return what the checker found.

    ``tree``: where the product's code is that gets struck. ``strikes``: other than the seed's own.
    ``reader_is_away``: whether the agency with a queue reads it only at the end; else by the seed.
    ``prepare`` makes the ledger and returns the keys; ``look`` looks at it when all is at rest.
    """
    folder = folder or Path(tempfile.mkdtemp(prefix="rb-faults-"))
    if strikes is None:
        strikes = plan(seed, seconds, {name: fault.seconds for name, fault in FAULTS.items()})
    if reader_is_away is None:
        reader_is_away = Random(seed).random() < AWAY_SHARE
    journal = Journal()
    with Engines() as engines:
        keys = prepare(engines) if prepare else prepare_ledger(engines.database_url)
        flood_key = keys.get(documents.FLOOD_KEY, "")
        with Installation(engines, folder / "run", tree, flood_key=flood_key) as town:
            recalls = documents.OPERATOR in keys
            campaign = Campaign(town, keys, seed, journal, say, recalls=recalls)
            campaign.calm()
            campaign.storm(strikes, faults, late=[campaign.reader] if reader_is_away else [])
            campaign.rest()
        journal.ends, journal.mails = town.ends, town.mail.ids
        journal.floods, journal.outages = town.floods, town.outages
        if look:
            look(engines)
        ledger = witness.read(engines.database_url)
        log = shutil.copy(engines.postgres.folder / "log", folder / "run" / "postgres.log")
        journal.deadlocks = log.read_text(encoding="utf-8", errors="replace").count(DEADLOCK)
    journal.write(folder / "journal")
    return Result(seed, strikes, journal, ledger, check(journal, ledger), folder)


def prepare_ledger(url: str) -> dict[str, str]:
    """Make the tables, publish the policy, issue a key to everybody who takes part."""
    migrate.migrate(url)
    with psycopg.connect(url, autocommit=True) as session:
        session.execute("alter system set log_min_duration_statement = '1s'")
        session.execute("select pg_reload_conf()")
    everybody = dict.fromkeys(documents.PUBLISHERS, Scope.PUBLISH)
    everybody |= dict.fromkeys(documents.AGENCIES.values(), Scope.COLLECT)
    scopes = {code: [scope] for code, scope in everybody.items()}
    scopes[documents.WAITER] = [Scope.COLLECT, Scope.PUBLISH]
    named = {documents.FLOOD_KEY: documents.FLOODER, documents.OPERATOR: documents.WAITER}
    with Ledger.open(as_application(url), application_name="campaign") as ledger:
        publish(ledger, documents.policy(), now=datetime.now(UTC), channels=CHANNELS.forms)
        for code in documents.AGENCIES.values():
            pem = private_key(code)
            signing_keys.register(ledger, OrganisationCode(code), pem, now=datetime.now(UTC))
        scopes |= {name: scopes[code] for name, code in named.items()}
        scopes[documents.OPERATOR] = [Scope.OPS]
        return {
            name: issue(
                ledger,
                OrganisationCode(named.get(name, name)),
                allowed,
                label=name,
                now=datetime.now(UTC),
            )
            for name, allowed in scopes.items()
        }


def crowding() -> float:
    """Return how many processes want each processor, of late; 1 when nobody has to wait."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))


def await_rest(
    journal: Journal, unfinished: Callable[[], list[str]], crowding: Callable[[], float] = crowding
) -> list[str]:
    """Wait until nothing is unfinished; return what still is when the time for that is over.

    The most crowded moment counts: other work may begin only while this comes to rest.
    """
    began = time.monotonic()
    while left := unfinished():
        journal.crowding = max(journal.crowding, crowding())
        if time.monotonic() - began > RECOVERY_SECONDS * journal.crowding:
            return left
        time.sleep(0.2)
    return []


def until(check: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not check():
        if time.monotonic() > until:
            raise AssertionError(f"The broker is not up after {seconds:g} s.")
        time.sleep(0.01)
