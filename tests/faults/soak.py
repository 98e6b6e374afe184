"""A long run without faults that watches what may grow: ``make soak MINUTES=600``.

The rule: the run has four quarters. The first one warms up. What is looked at must not be larger in
the last quarter (by its median) than in the second one, but for the allowance of its measure.
``--snapshot`` holds a snapshot of PostgreSQL from the end of the first quarter on, as a forgotten
session does: dead rows may then grow, and nothing else.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import median

import psycopg

from broker.devstack.engines import Engines
from tests.faults import documents, witness
from tests.faults.campaign import ROOT, Campaign, Say, prepare_ledger
from tests.faults.checker import Finding, check
from tests.faults.journal import Journal
from tests.faults.processes import Installation, engine_pids
from tests.faults.wire import Wire

SAMPLES = 120
"""Of a run; at least a second lies between two."""
PROBE = {"max": 1, "wait": 0}
HOT_TABLES = ("delivery", "referral", "notice", "escalation", "lead")


@dataclass(frozen=True, slots=True)
class Measure:
    """What one measure may grow by between the second quarter and the last."""

    share: float
    extra: float
    unit: str

    def bound(self, before: float) -> float:
        return before * (1 + self.share) + self.extra


MEASURES = {
    "memory": Measure(0.10, 8.0, "MB"),
    "files": Measure(0.0, 8.0, "descriptors"),
    "connections": Measure(0.0, 4.0, "connections"),
    "dead": Measure(0.5, 20_000.0, "dead rows"),
    "wal": Measure(0.5, 20.0, "kB of WAL a referral"),
    "collect": Measure(1.0, 50.0, "ms"),
    "feed": Measure(1.0, 50.0, "ms"),
}
"""By the first word of a measure's name."""


class Watcher:
    """Takes samples: each measure's value by its name."""

    def __init__(self, town: Installation, journal: Journal, keys: dict[str, str]) -> None:
        self._town = town
        wires = Journal()  # the checker is not to look for what is collected here
        self._agency, self._publisher = (
            Wire(code, keys[code], town.ports, wires, Random(code))
            for code in (documents.MAILBOX_AGENCIES[0], documents.PUBLISHERS[0])
        )
        self._journal = journal
        self._written = self._wal()
        self._handed_in = len(journal.handed_in)

    def sample(self) -> dict[str, float]:
        """Return what everything comes to now."""
        return {
            **dict(self._processes()),
            **self._tables(),
            "wal": self._wal_of_each(),
            "collect": _milliseconds(self._agency, "/v1/collect"),
            "feed": _milliseconds(self._publisher, "/v1/events?limit=50"),
        }

    def _processes(self) -> Iterator[tuple[str, float]]:
        for service in self._town.services:
            pids = [service.pid, *service.children()]
            yield f"memory of {service.name}", sum(map(_megabytes, pids))
            yield f"files of {service.name}", sum(map(_descriptors, pids))
        for name in ("wakeup", "exchange"):
            pids = engine_pids(getattr(self._town.engines, name))
            yield f"memory of {name}", sum(map(_megabytes, pids))

    def _tables(self) -> dict[str, float]:
        with self._session() as session:
            dead = session.execute(
                "select relname, n_dead_tup from pg_stat_user_tables where relname = any(%s)",
                [list(HOT_TABLES)],
            ).fetchall()
            (connections,) = session.execute(
                "select count(*) from pg_stat_activity where application_name like 'broker%'"
            ).fetchone() or (0,)
        return {
            **{f"dead rows of {name}": float(rows) for name, rows in dead},
            "connections": float(connections),
        }

    def _wal_of_each(self) -> float:
        written, handed_in = self._wal(), len(self._journal.handed_in)
        share = (written - self._written) / max(1, handed_in - self._handed_in)
        self._written, self._handed_in = written, handed_in
        return share / 1024

    def _wal(self) -> float:
        with self._session() as session:
            (written,) = session.execute(
                "select pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8"
            ).fetchone() or (0.0,)
        return float(written)

    def _session(self) -> psycopg.Connection:
        return psycopg.connect(self._town.engines.database_url, autocommit=True)


def run(
    minutes: float, *, holds_snapshot: bool = False, say: Say = lambda _: None
) -> list[Finding]:
    """Work for so many minutes, and return what grew and what the checker found."""
    folder = Path(tempfile.mkdtemp(prefix="rb-soak-"))
    journal = Journal()
    with ExitStack() as stack:
        engines = stack.enter_context(Engines())
        keys = prepare_ledger(engines.database_url)
        _hurry_autovacuum(engines)
        held = _snapshot(engines, say) if holds_snapshot else None
        with Installation(engines, folder, ROOT) as town:
            campaign = Campaign(town, keys, 1, journal, say)
            campaign.calm()
            campaign.storm([], {}, late=[])
            samples = _watched(Watcher(town, journal, keys), minutes, held)
            campaign.rest()
        journal.ends, journal.mails = town.ends, town.mail.ids
        ledger = witness.read(engines.database_url)
    findings = list(growth(samples, may_bloat=holds_snapshot, say=say))
    return findings + check(journal, ledger)


def _watched(
    watcher: Watcher, minutes: float, held: AbstractContextManager[None] | None
) -> list[dict[str, float]]:
    """Return samples of so many minutes; what is to be held is held from a quarter of them on."""
    samples = []
    pause = max(1.0, 60 * minutes / SAMPLES)
    count = max(8, int(60 * minutes / pause))
    with ExitStack() as stack:
        for number in range(count):
            time.sleep(pause)
            samples.append(watcher.sample())
            if held and number == count // 4:
                stack.enter_context(held)
    return samples


def growth(
    samples: Sequence[dict[str, float]], *, may_bloat: bool = False, say: Say = lambda _: None
) -> Iterator[Finding]:
    """Yield each measure that is larger in the last quarter than it may be."""
    quarter = len(samples) // 4
    for name in sorted(samples[-1]):
        measure = MEASURES[name.partition(" ")[0]]
        before = median(sample.get(name, 0) for sample in samples[quarter : 2 * quarter])
        after = median(sample.get(name, 0) for sample in samples[-quarter:])
        say(f"{name:32} {before:10.1f} then {after:10.1f} {measure.unit}")
        if after > measure.bound(before) and not (may_bloat and measure is MEASURES["dead"]):
            grew = f"{name} grew from {before:.1f} to {after:.1f} {measure.unit}"
            yield Finding("soak", f"{grew}; {measure.bound(before):.1f} is allowed")


@contextmanager
def _snapshot(engines: Engines, say: Say) -> Iterator[None]:
    """Hold a snapshot: no row that is dead from now on can be removed."""
    say("a snapshot is held")
    with psycopg.connect(engines.database_url) as session:
        session.execute("set transaction isolation level repeatable read")
        session.execute("select count(*) from delivery")
        yield
        session.rollback()


def _hurry_autovacuum(engines: Engines) -> None:
    """Let a run of minutes see what a site sees in hours."""
    with psycopg.connect(engines.database_url, autocommit=True) as session:
        session.execute("alter system set autovacuum_naptime = '5s'")
        session.execute("select pg_reload_conf()")


def _milliseconds(wire: Wire, path: str) -> float:
    told = wire.post(path, PROBE) if path.endswith("collect") else wire.get(path)
    return 1000 * (told.told_at - told.sent_at)


def _megabytes(pid: int) -> float:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return 0.0


def _descriptors(pid: int) -> float:
    with suppress(OSError):
        return float(len(list(Path(f"/proc/{pid}/fd").iterdir())))
    return 0.0


def main() -> int:
    """Run it and say what grew; 1 when anything did."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--snapshot", action="store_true", help="hold a snapshot meanwhile")
    options = parser.parse_args()
    findings = run(
        options.minutes,
        holds_snapshot=options.snapshot,
        say=lambda line: print(line, flush=True),
    )
    print("\n".join(map(str, findings)) or "nothing grew, and nothing was found")
    return bool(findings)


if __name__ == "__main__":
    sys.exit(main())
