"""National: a directory with every school of England, and what does not grow with it."""

from __future__ import annotations

import asyncio
import csv
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson

from benchmarks import post, process_table, world
from benchmarks.ours import Ours
from benchmarks.payload import to_three
from benchmarks.post import Line, Unexpected
from benchmarks.results import Figure
from benchmarks.world import World
from broker.domain.codes import Scope

AIMS = {
    "import_seconds": -60.0,
    "ready_seconds": -2.0,
    "gateway_rss_mb": -150.0,
    "worker_rss_mb": -150.0,
    "contact_change_seconds": -1.0,
}
FIRST_URN = 100_000
PAUSE_SECONDS = 0.01
"""Between two looks for the change: a key may make 200 calls a second."""
CALLS, SCRAPES = 40, 5
_TEMPLATE = """\
entry:
  hours: {Mon: 08:00-16:00, Tue: 08:00-16:00, Wed: 08:00-16:00, Thu: 08:00-16:00, Fri: 08:00-16:00}
  terms: [2026-09-02 to 2026-12-18, 2027-01-05 to 2027-07-20]
  channel: mailbox
  from: 2026-01-01
  contacts: {duty: {email: "duty@school-{urn}.example.org", telephone: 01632 960137}}
"""


def measure(world_: World) -> Figure:
    """Measure a directory of national size; the figure is its gateway's start."""
    ours, count = Ours.fresh(world_, "ours_national"), world_.sizes.organisations
    seconds = _import(ours, count)
    bodies = to_three("NATIONAL", 20)
    ours.fill(bodies)
    with ours.worker():
        ours.until_routed()
        world_.until_quiet()
        worker_mb = max(process_table.resident_megabytes("broker worker"))
    ours.verify_routed(bodies)
    begun = world.now()
    with ours.gateway() as url:
        ready = world.now() - begun
        (resident,) = process_table.resident_megabytes("broker serve")
        with ours.gateway() as other:
            calls = post.run(lambda: _calls(ours, url, other))
    keys = {
        "organisations": float(_organisations(ours, count)),
        "import_seconds": seconds,
        "ready_seconds": ready,
        "gateway_rss_mb": resident,
        "worker_rss_mb": worker_mb,
        **calls,
    }
    return Figure(ready, "s until a gateway is ready", keys=keys, aims=AIMS)


def _organisations(ours: Ours, schools: int) -> int:
    """Return how many organisations there are. Raises Unexpected unless every school is a row."""
    ((rows,),) = world.rows(ours.dsn, "select count(distinct code) from organisation_version")
    if rows != schools:
        raise Unexpected(f"{rows} schools were imported, not {schools}.")
    return int(world.rows(ours.dsn, "select count(*) from organisation")[0][0])


def _import(ours: Ours, schools: int) -> float:
    """Import so many schools as an operator does; return the seconds that it took."""
    folder = Path(ours.world.engines.folder / "run")
    register, template = folder / "register.csv", folder / "schools.yaml"
    _write_register(register, schools)
    template.write_text(_TEMPLATE, encoding="utf-8")
    command = [sys.executable, "-m", "broker", "directory", "import-schools"]
    command += [str(register), str(template), "--by", "bench", "--yes"]
    begun = time.perf_counter()
    log = folder / "import.log"
    with log.open("wb") as output:
        ended = subprocess.run(  # noqa: S603 - our own program, no shell
            command, env=ours.command_environment, stdout=output, stderr=output, check=False
        )
    if ended.returncode:
        raise Unexpected(f"The import failed: {log.read_text(encoding='utf-8')[-500:]}")
    return time.perf_counter() - begun


def _write_register(path: Path, schools: int) -> None:
    """Write an extract of the register, with fictional schools."""
    columns = ("URN", "EstablishmentName", "EstablishmentStatus (name)", "OpenDate", "CloseDate")
    with path.open("w", encoding="utf-8", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(columns)
        for number in range(schools):
            lines.writerow((FIRST_URN + number, f"Sample School {number}", "Open", "", ""))


async def _calls(ours: Ours, url: str, other: str) -> dict[str, float]:
    """Return what single calls take, and how soon another gateway knows a changed contact."""
    (publisher,), (ops,) = ours.publishing(1), ours.keys("ops", Scope.OPS)
    ((referral,),) = world.rows(ours.dsn, "select id::text from referral limit 1")
    async with (
        Line(url, publisher) as publishing,
        Line(url, ops) as first,
        Line(other, ops) as second,
    ):
        status = await _median(lambda: publishing.call("GET", f"/v1/referrals/{referral}"), CALLS)
        metrics = await _median(lambda: first.call("GET", "/metrics"), SCRAPES)
        return {
            "status_ms": status * 1000,
            "metrics_seconds": metrics,
            "contact_change_seconds": await _change(first, second),
        }


async def _median(call: Callable[[], Awaitable[post.Answer]], times: int) -> float:
    """Return the seconds of a call in the middle of many; the first one counts for nothing."""
    answers = [await call() for _ in range(times + 1)][1:]
    return statistics.median(answer.answered_at - answer.sent_at for answer in answers)


async def _change(first: Line, second: Line) -> float:
    """Change the contact of one school at one gateway; return when another one judges by it."""
    code = f"school-{FIRST_URN + 1}"
    answer = await first.call("GET", f"/v1/organisations/{code}")
    shown = orjson.loads(answer.body)
    shown["entry"]["contacts"]["duty"]["telephone"] = "01632 960138"
    body = orjson.dumps({"entry": shown["entry"], "by": "bench", "reason": "A new number."})
    seen = f'If-Match: "{shown["version"]}"\r\nContent-Type: {post.JSON}\r\n'
    changed = await first.call("PUT", f"/v1/organisations/{code}", body, seen)
    async with asyncio.timeout(world.PATIENCE_SECONDS):
        while True:
            page = await second.call("GET", f"/v1/organisations?after=school-{FIRST_URN}&limit=1")
            (listed,) = orjson.loads(page.body)["organisations"]
            if listed["version"] > shown["version"]:
                return page.answered_at - changed.sent_at
            await asyncio.sleep(PAUSE_SECONDS)
