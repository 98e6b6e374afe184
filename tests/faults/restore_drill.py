"""The restore drill: back up, lose the ledger, restore to a point, reconcile, and have it checked.

``python -m tests.faults.restore_drill --seconds 10``, or ``make restore-drill``. Real servers and
processes do what docs/backup-and-restore.md says: a base backup, a WAL archive, traffic, a point,
more traffic with recalls, the ledger's files lost, recovery to the point, the side log, publishers
that send again, confirmation. Then the checker of the campaign reads what is there.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psycopg

from broker.devstack.engines import Engines
from broker.ledger.ledger import Ledger
from tests.faults import witness
from tests.faults.campaign import ROOT, Campaign, prepare_ledger, until
from tests.faults.checker import check
from tests.faults.journal import Journal
from tests.faults.processes import Installation, kill_engine
from tests.faults.publishing import Publisher

POINT = "drill"
WAITING = 5
"""Referrals that no agency has collected at the point; of two of them the recall is lost."""
PATIENCE_SECONDS = 90.0
Say = Callable[[str], None]


class Drill:
    """One drill; ``failures`` says what was not as it should be."""

    def __init__(
        self, engines: Engines, town: Installation, keys: dict[str, str], say: Say
    ) -> None:
        self.failures: list[str] = []
        self._engines = engines
        self._town = town
        self._keys = keys
        self._say = say
        self._marks: list[tuple[str, float]] = []
        self._journals = [Journal() for _ in range(3)]

    def run(self, seconds: float, seed: int) -> list[str]:
        """Do it all; return everything that does not hold."""
        self._mark("traffic")
        before = self._campaign(0, seed)
        until(lambda: before.publishers[0].hand_in_one().receipt is not None, PATIENCE_SECONDS)
        before.storm([], {}, late=[])
        self._base_backup()
        time.sleep(seconds)
        before.rest(leaps=0)  # a point in time is one of PostgreSQL's clock
        waiting = self._hand_in_waiting(before.publishers[0])
        self._sql(f"select pg_create_restore_point('{POINT}')")
        self._mark("traffic that will be lost")
        lost = self._campaign(1, seed + 1)
        lost.storm([], {}, late=[])
        time.sleep(seconds)
        lost.rest(leaps=0)
        self._recall(lost.publishers[0], waiting[:2])
        self._archive_all()
        self._restore()
        self._begin(waiting[:2])
        after = self._campaign(2, seed + 2)
        self._start(after)
        self._publishers_reconcile(lost, after)
        self._agencies_are_told(after)
        self._mark("confirm")
        self._broker("confirm", "--by", "Drill")
        after.storm([], {}, late=[])
        time.sleep(seconds)
        after.rest()
        self._mark("checked")
        return [*self.failures, *self._findings(set(waiting[:2]))]

    def report(self) -> list[str]:
        """Return what each step took, and what was lost and handed in again."""
        lines = [
            f"{(later - at):6.1f} s  {name}"
            for (name, at), (_, later) in zip(self._marks, self._marks[1:], strict=False)
        ]
        ids = [
            {entry.receipt["id"] for entry in journal.handed_in if entry.receipt}
            for journal in self._journals
        ]
        return [
            *lines,
            f"referrals: {len(ids[0])} before the point, {len(ids[1])} lost and sent again,"
            f" {len(ids[2])} receipts after it",
        ]

    def _mark(self, name: str) -> None:
        self._marks.append((name, time.monotonic()))
        self._say(name)

    def _campaign(self, place: int, seed: int) -> Campaign:
        return Campaign(self._town, self._keys, seed, self._journals[place], self._say)

    def _expect(self, name: str, is_so: bool) -> None:
        if not is_so:
            self.failures.append(f"drill: {name}")

    def _sql(self, statement: str) -> Any:
        with psycopg.connect(self._engines.database_url, autocommit=True) as session:
            row = session.execute(statement.encode()).fetchone()
        return row[0] if row else None

    def _base_backup(self) -> None:
        postgres = self._engines.postgres
        program = _programs(self._engines) / "pg_basebackup"
        copied = postgres._run(
            [
                *(program, "-D", postgres.folder / "backup", "-h", postgres.folder, "-U", "broker"),
                *("-X", "stream", "-c", "fast"),
            ]
        )
        self._expect("the base backup works", copied.wait(PATIENCE_SECONDS) == 0)

    def _hand_in_waiting(self, publisher: Publisher) -> list[str]:
        """Hand in referrals that nobody collects any more, and wait until they are routed."""
        handed = [publisher.hand_in_one() for _ in range(WAITING)]
        ids = [str(entry.receipt["id"]) for entry in handed if entry.receipt]
        self._expect("referrals are accepted before the point", len(ids) == WAITING)
        until(lambda: all(publisher.is_routed(id_) for id_ in ids), PATIENCE_SECONDS)
        return ids

    def _recall(self, publisher: Publisher, referrals: list[str]) -> None:
        for referral in referrals:
            body = {"reason": "wrong_person", "by": "DS Farlow"}
            told = publisher.wire.post(f"/v1/referrals/{referral}/recall", body)
            self._expect("a recall is accepted", told.status == 202)

    def _archive_all(self) -> None:
        name = self._sql("select pg_walfile_name(pg_switch_wal())")
        archived = f"select coalesce(last_archived_wal, '') >= '{name}' from pg_stat_archiver"
        until(lambda: bool(self._sql(archived)), PATIENCE_SECONDS)

    def _restore(self) -> None:
        """Lose the ledger's files, and recover to the point from the backup and the archive."""
        postgres = self._engines.postgres
        self._mark("stop, and lose the ledger")
        kill_engine(postgres)
        for service in self._town.services:
            service.resting = True
            service.end()
        data = postgres.folder / "data"
        data.rename(postgres.folder / "lost")
        self._mark("recovery to the point")
        (postgres.folder / "backup").rename(data)
        target = [
            f'restore_command = \'cp "{postgres.folder}/archive/%f" "%p"\'',
            f"recovery_target_name = '{POINT}'",
            "recovery_target_action = 'promote'",
        ]
        with (data / "postgresql.auto.conf").open("a", encoding="utf-8") as settings:
            settings.write("\n".join(target) + "\n")
        _copy_owner(data / "PG_VERSION", data / "recovery.signal")
        postgres.start()
        until(lambda: self._sql("select not pg_is_in_recovery()"), PATIENCE_SECONDS)

    def _begin(self, recalled: list[str]) -> None:
        self._mark("restore begin")
        begun = self._broker(
            *("begin", "--by", "Drill"), *("--side-log", self._town.environment[SIDE_LOG])
        )
        self._expect("the epoch is that of a restore", begun["epoch"]["reason"] == "restored")
        self._expect("it is in quarantine", begun["epoch"]["in_quarantine"])
        self._expect("both recalls are done again", len(begun["recalled"]) == len(recalled))
        self._expect("something is kept back", sum(begun["kept_back"].values()) > 0)
        again = self._broker(
            *("begin", "--by", "Drill"), *("--side-log", self._town.environment[SIDE_LOG])
        )
        self._expect("it may be repeated", again["epoch"]["id"] == begun["epoch"]["id"])
        self._expect("no recall is done twice", again["recalled"] == [])

    def _start(self, after: Campaign) -> None:
        self._mark("start")
        for service in self._town.services:
            service.resting = False
        for port in self._town.ports():
            until(lambda port=port: _is_ready(port), PATIENCE_SECONDS)

    def _publishers_reconcile(self, lost: Campaign, after: Campaign) -> None:
        """Have publishers learn of the restore, and send again what the ledger does not have."""
        self._mark("publishers send again")
        for old, new in zip(lost.publishers, after.publishers, strict=True):
            told = new.wire.get(f"/v1/events?after={old.cursor}")
            self._expect("an old cursor is answered with 410", told.status == 410)
            told_all = told.status == 410 and told.value["since"] and told.value["read_on"]
            self._expect("it says since when, and where to read on", bool(told_all))
            references = sorted({paper.reference for paper in old.papers})
            missing = self._missing(new, references)
            self._expect("lists say what is missing", missing == references)
            for paper in old.papers:
                new.hand_in(paper)
            self._expect("nothing is missing then", self._missing(new, references) == [])

    def _missing(self, publisher: Publisher, references: list[str]) -> list[str]:
        listed = {"day": datetime.now(UTC).date().isoformat(), "references": references}
        told = publisher.wire.post("/v1/reconciliations", listed)
        return sorted(told.value["missing"]) if told.status == 200 else ["?"]

    def _agencies_are_told(self, after: Campaign) -> None:
        """See that nothing of before is offered, and that what agencies had is told apart."""
        agency = next(agency for agency in after.agencies if agency.code != after.reader.code)
        there = {row["id"] for row in witness.read(self._engines.database_url).deliveries}
        had = [
            offer
            for offer in self._journals[1].offered
            if offer.agency == agency.code and offer.delivery not in there
        ]
        receipts = [
            {"delivery": offer.delivery, "stage": "acknowledged", "by": "Drill"}
            for offer in had[:5]
        ]
        told = agency.wire.post("/v1/receipts", {"receipts": receipts}) if receipts else None
        if told is not None and not self._town.ahead:
            results = {result["result"] for result in told.value["results"]}
            self._expect("receipts are told to be of before", results == {"lost_in_restore"})
        new = {entry.receipt["id"] for entry in self._journals[2].handed_in if entry.receipt}
        with Ledger.open(self._engines.database_url, application_name="drill") as ledger:
            self._expect("what is older is kept back", bool(ledger.epochs.kept_back()))
        told = agency.wire.post("/v1/collect", {"max": 50})
        if told.status == 200:
            old = [offer for offer in told.value["deliveries"] if offer["referral"] not in new]
            self._expect("nothing older is offered", old == [])
            self._expect("the answer says why", "quarantine" in told.value)
            for offer in told.value["deliveries"]:
                agency.take_note(offer, "mailbox")

    def _broker(self, *arguments: str) -> Any:
        ran = subprocess.run(
            [sys.executable, "-m", "broker", "restore", *arguments, "--json"],
            cwd=ROOT,
            env=self._town.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_SECONDS,
        )
        if ran.returncode:
            raise AssertionError(f"broker restore {arguments[0]}: {ran.stderr}")
        return json.loads(ran.stdout)

    def _findings(self, recalled: set[str]) -> list[str]:
        """Return what the campaign's checker finds; it knows of no recalls, so without those."""
        ledger = witness.read(self._engines.database_url)
        gone = {row["id"] for row in ledger.deliveries if row["referral"] in recalled}
        states = {row["state"] for row in ledger.deliveries if row["id"] in gone}
        self._expect("nothing of a recalled referral is left open", "available" not in states)
        before, _, after = self._journals
        journal = replace(
            after,
            mails=self._town.mail.ids,
            handed_in=[
                entry
                for entry in (*before.handed_in, *after.handed_in)
                if not (entry.receipt and entry.receipt["id"] in recalled)
            ],
            offered=[
                offer
                for offer in (*before.offered, *after.offered)
                if offer.referral not in recalled
            ],
            answered=[
                answer
                for answer in (*before.answered, *after.answered)
                if answer.delivery not in gone and answer.result != "lost_in_restore"
            ],
            fed=[event for event in after.fed if event.referral not in recalled],
        )
        rest = replace(
            ledger,
            referrals=[row for row in ledger.referrals if row["id"] not in recalled],
            deliveries=[row for row in ledger.deliveries if row["id"] not in gone],
            answers=[row for row in ledger.answers if row["delivery"] not in gone],
            events=[row for row in ledger.events if row["referral"] not in recalled],
        )
        return [*self.failures, *map(str, check(journal, rest))]


SIDE_LOG = "BROKER_SIDE_LOG"


def _is_ready(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def drill(seconds: float, seed: int, *, say: Say = lambda _: None) -> tuple[list[str], list[str]]:
    """Run one drill; return what does not hold, and the report."""
    folder = Path(tempfile.mkdtemp(prefix="rb-drill-"))
    with ExitStack() as stack:
        engines = stack.enter_context(Engines())
        keys = prepare_ledger(engines.database_url)
        _archive_wal(engines)
        town = Installation(engines, folder / "run", ROOT)
        town.environment[SIDE_LOG] = str(folder / "side.log")
        stack.enter_context(town)
        running = Drill(engines, town, keys, say)
        findings = running.run(seconds, seed)
        return list(dict.fromkeys(findings)), running.report()


def _archive_wal(engines: Engines) -> None:
    """Have PostgreSQL keep its WAL in an archive, as docs/backup-and-restore.md says."""
    postgres = engines.postgres
    archive = postgres.folder / "archive"
    postgres._own(archive)
    with psycopg.connect(engines.database_url, autocommit=True) as session:
        session.execute(b"alter system set archive_mode = on")
        command = f'cp "%p" "{archive}/%f"'
        session.execute(f"alter system set archive_command = '{command}'".encode())
    postgres.stop()
    postgres.start()


def _programs(engines: Engines) -> Path:
    programs = engines.postgres._programs
    assert programs is not None
    return programs


def _copy_owner(like: Path, new: Path) -> None:
    """Make an empty file that belongs to whoever owns another one."""
    new.touch()
    status = like.stat()
    os.chown(new, status.st_uid, status.st_gid)


def main() -> int:
    """Run a drill and say what was found; 1 when anything was."""
    asked = argparse.ArgumentParser(prog="python -m tests.faults.restore_drill")
    asked.add_argument("--seconds", type=float, default=10, help="of each of three traffics (10)")
    asked.add_argument("--seed", type=int, default=7)
    given = asked.parse_args()
    findings, report = drill(given.seconds, given.seed, say=lambda line: print(line, flush=True))
    print("\n".join(["", *report, f"findings: {len(findings)}", *findings[:40]]))
    return bool(findings)


if __name__ == "__main__":
    sys.exit(main())
