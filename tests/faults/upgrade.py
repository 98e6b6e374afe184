"""Upgrade a broker at work, mix old and new processes, and go back: ``make upgrade-drill``.

The version before is built from the commit of the last release. The version after is this
checkout with migrations on top that the next version might have. They meet a large ledger and the
load of the fault campaign, and its checker judges.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

import psycopg

from broker.devstack.engines import Engines
from tests.faults import campaign, witness
from tests.faults.__main__ import summary
from tests.faults.campaign import ROOT, Result, Say
from tests.faults.processes import Installation, Service
from tests.faults.schedule import Strike
from tests.faults.strikes import Fault

DELIVERIES = 300_000
MIXED_SECONDS = 8.0
READY_SECONDS = 300.0
LEGS = 3
LISTED = Path("broker") / "ledger" / "migrations" / "released.sha256"
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", ".*_cache", "__pycache__", "build", "_build")
NEXT = {
    "9001_priority": "-- A column.\nalter table delivery add column priority int;\n",
    "9002_priority_of_history": """-- What there was before has the usual priority.
-- run: batches
with batch as (
    select id from delivery
    where id > coalesce(%(after)s::uuid, '00000000-0000-0000-0000-000000000000')
    order by id limit 2000 for no key update
),
done as (
    update delivery set priority = 1 from batch where batch.id = delivery.id and priority is null
)
select max(id::text) from batch
""",
    "9003_priority_index": """-- What is urgent is found.
-- run: outside a transaction
drop index concurrently if exists delivery_priority;
create index concurrently delivery_priority on delivery (priority) where state = 'available';
""",
    "9004_priority_check": """-- A rule, for new rows at first.
alter table delivery add constraint delivery_priority_known check (priority between 0 and 9)
    not valid;
""",
    "9005_priority_checked": "-- And for all.\n"
    "alter table delivery validate constraint delivery_priority_known;\n",
    "9006_urgency": """-- A table beside.
create table urgency (delivery uuid primary key references delivery, at timestamptz not null);
""",
    "9007_occurred": "-- A column.\nalter table referral add column occurred_on date;\n",
}
"""Migrations of a version to come: each kind that there is, on the largest tables."""
HISTORY = """
set session_replication_role = replica;
insert into referral (id, publisher, reference, digest, state, accepted_at, routed_at, closed_at,
                      grade, effective_grade, policy_version)
select gen_random_uuid(), 'staffordshire-police', %(mark)s || n, decode(repeat('00', 32), 'hex'),
       'closed', at, at, at + interval '1 day', 'high', 'high', (select max(version) from policy)
from generate_series(1, %(referrals)s::int) n
cross join lateral (select now() - interval '2 days' - n * interval '1 minute' as at) as spread;
insert into delivery (id, referral, agency, channel, role, policy_row, view, state, available_at,
                      clock_start, acknowledge_by, acknowledged_at, decided_at)
select gen_random_uuid(), referral.id, 'stoke-csc', 'mailbox', 'copy', 'row', 'view', 'decided',
       accepted_at, accepted_at, accepted_at + interval '1 hour', accepted_at + interval '10 min',
       accepted_at + interval '1 day'
from referral cross join generate_series(1, %(legs)s::int)
where reference like %(mark)s || '%%';
reset session_replication_role;
"""
LEFT = """
select count(*), count(*) filter (where priority = 1)
from delivery join referral on referral.id = delivery.referral
where reference like %(mark)s || '%%'
"""


@dataclass(slots=True)
class Upgrade:
    """From the old tree to the new one under load, and back."""

    old: Path
    new: Path
    say: Say
    notes: dict[str, float] = field(default_factory=dict)
    """How long each part took, in seconds."""

    def blow(self, town: Installation, _: float, __: Random) -> str:
        """Do it all. Raises RuntimeError where a step fails."""
        self._timed("migrate", lambda: self._migrate(town))
        pairs = list(zip(town.gateways, town.workers, strict=True))
        for tree, name in ((self.new, "new"), (self.old, "old again")):
            for number, pair in enumerate(pairs, 1):
                for service in pair:
                    self._timed(f"{service.name} {name}", partial(self._change, service, tree))
                if number < len(pairs):
                    time.sleep(MIXED_SECONDS)  # old and new work side by side
            time.sleep(MIXED_SECONDS)
        return "up and back"

    def _migrate(self, town: Installation) -> None:
        environment = {**town.environment, "BROKER_DATABASE_URL": town.engines.database_url}
        run_in(self.new, ["broker", "migrate"], environment)

    def _change(self, service: Service, tree: Path) -> None:
        service.resting = True
        service.end()
        service.tree = tree
        service.start()
        service.resting = False
        until = time.monotonic() + READY_SECONDS
        while not is_ready(service):
            if time.monotonic() > until or not service.alive:
                raise RuntimeError(f"{service.name} did not start from {tree}")
            time.sleep(0.1)

    def _timed(self, name: str, part: Callable[[], None]) -> None:
        began = time.monotonic()
        part()
        self.notes[name] = time.monotonic() - began
        self.say(f"  {name}: {self.notes[name]:.1f} s")


def is_ready(service: Service) -> bool:
    """Tell whether a gateway says that it is ready; a worker is when its children run."""
    if service.port is None:
        return len(service.children()) > 0
    url = f"http://127.0.0.1:{service.port}/readyz"
    with suppress(OSError), urllib.request.urlopen(url, timeout=3) as answer:
        return bool(answer.status == 200)
    return False


def run_in(tree: Path, module: list[str], environment: dict[str, str] | None = None) -> str:
    """Run a module from a tree and return its output. Raises RuntimeError where it fails."""
    ran = subprocess.run(
        [sys.executable, "-m", *module],
        cwd=tree,
        env={**(environment or os.environ), "PYTHONPATH": f"{tree}:{tree / 'sdk'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode:
        raise RuntimeError(f"{module} ended with {ran.returncode}: {ran.stderr[-2000:]}")
    return ran.stdout


def last_release() -> str:
    """Return the commit of the last release: the one that listed its migrations; or HEAD."""
    listed = ROOT / LISTED
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.exists() else []
    names = [line for line in lines if line.startswith("# ")]
    if not names:
        return "HEAD"
    searched = ["log", "--format=%H", "-S", names[-1], "--", str(LISTED)]
    commits = _git(*searched).decode().split()
    return commits[-1] if commits else "HEAD"


def build(commit: str, folder: Path) -> Path:
    """Write the files of a commit into a folder."""
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", folder], input=_git("archive", commit), check=True)
    return folder


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout


def next_version(folder: Path) -> Path:
    """Copy this checkout and add the migrations to come."""
    shutil.copytree(ROOT, folder, ignore=LEFT_OUT)
    for name, text in NEXT.items():
        (folder / LISTED.parent / f"{name}.sql").write_text(text, encoding="utf-8")
    return folder


def drill(commit: str, deliveries: int, seed: int, say: Say) -> tuple[Result, Upgrade]:
    """Upgrade and go back under load; return what the checker found, and how long it took."""
    folder = Path(tempfile.mkdtemp(prefix="rb-upgrade-"))
    old, new = build(commit, folder / "old"), next_version(folder / "new")
    upgrade = Upgrade(old, new, say)

    def prepare(engines: Engines) -> dict[str, str]:
        keys = json.loads(run_in(old, ["tests.faults.upgrade", "--prepare", engines.database_url]))
        filled = {"mark": witness.OLD, "referrals": deliveries // LEGS, "legs": LEGS}
        with psycopg.connect(engines.database_url, cursor_factory=psycopg.ClientCursor) as owner:
            owner.execute(HISTORY, filled)
        with psycopg.connect(engines.database_url, autocommit=True) as owner:
            owner.execute("vacuum (analyze) referral, delivery")
        say(f"{deliveries:,} deliveries made")
        return dict(keys)

    def look(engines: Engines) -> None:
        with psycopg.connect(engines.database_url) as owner:
            row = owner.execute(LEFT, {"mark": witness.OLD}).fetchone()
        assert row == (deliveries // LEGS * LEGS,) * 2, f"of the history there is {row}"

    result = campaign.run(
        seed,
        0,
        say=say,
        tree=old,
        strikes=[Strike(3.0, "upgrade", 0.0, seed)],
        folder=folder / "run",
        reader_is_away=False,
        faults={"upgrade": Fault(upgrade.blow, "ledger", (0, 0))},
        prepare=prepare,
        look=look,
    )
    return result, upgrade


def main() -> int:
    """Drill, and say what was found; 1 when anything was."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.upgrade", description=__doc__)
    parser.add_argument("--prepare", metavar="URL", help=argparse.SUPPRESS)
    parser.add_argument("--old", help="a commit; that of the last release otherwise")
    parser.add_argument("--deliveries", type=int, default=DELIVERIES)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    if chosen.prepare:
        print(json.dumps(campaign.prepare_ledger(chosen.prepare)))
        return 0
    commit = chosen.old or last_release()
    print(f"from {commit} to this checkout and back")
    result, _ = drill(commit, chosen.deliveries, chosen.seed, lambda line: print(line, flush=True))
    print(summary(result))
    slowest = max(call.seconds for call in result.journal.called if call.status)
    print(f"slowest answer  {slowest:.1f} s, to clients and workers on one machine")
    return bool(failures(result))


def failures(result: Result) -> list[str]:
    """Return what went wrong: findings of the checker, and an upgrade that did not get through."""
    missed = [strike.note for strike in result.journal.struck if strike.note != "up and back"]
    return [*missed, *map(str, result.findings)]


if __name__ == "__main__":
    sys.exit(main())
