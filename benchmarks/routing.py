"""Referrals validated, routed to three agencies and committed, beside plain Celery doing nothing.

One worker with two processes each time, on the same engines in the same run; machines are noisy,
so look at the ratio. ``make bench``
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from redis import Redis

from broker import samples
from broker.bootstrap import new_uuid7, utc_now
from broker.domain.ids import OrganisationCode, ReferralId
from broker.embedded import Engines
from broker.flow.publish import publish
from broker.ledger.ledger import Ledger
from broker.ledger.migrate import migrate
from broker.ledger.rows import NewReferral
from broker.policy.book import documents_from
from schemas import documents

ROOT = Path(__file__).parent.parent
COUNT = 8000
BATCH = 200
WARM = 6
PATIENCE = 120.0
QUIET = ("--without-gossip", "--without-mingle", "--without-heartbeat")
PUBLISHER = OrganisationCode("staffordshire-police")


def main() -> None:
    """Run both, and print one line of JSON."""
    with Engines() as engines:
        routed = measure_routing(engines)
        empty = measure_noop(engines)
    ratio = round(routed["routed_per_s"] / empty["noop_per_s"], 2)
    print(json.dumps({**routed, **empty, "ratio": ratio}))


def measure_routing(engines: Engines) -> dict[str, Any]:
    """Fill the ledger, start a worker, and time it from its first commit to its last."""
    migrate(engines.database_url)
    with Ledger.open(engines.database_url, application_name="bench") as ledger:
        publish(ledger, documents_from(ROOT / "policies" / "england"), now=utc_now())
        accepted_in = fill(ledger)
        with worker("workers.app", engines):
            wait_until(lambda: not ledger.due(now=utc_now()).route)
    rate, deliveries = steady_rate(engines.database_url)
    return {
        "referrals": COUNT,
        "deliveries": deliveries,
        "accepted_per_s": round(COUNT / accepted_in),
        "routed_per_s": round(rate),
    }


def fill(ledger: Ledger) -> float:
    """Accept COUNT referrals that go to three agencies each; return the seconds it took."""
    (document,) = [one for name, one in samples.shipped() if name.startswith("case-05")]
    now = utc_now()
    # The sample is dated in the December that its case needs; here it must not lie in the future.
    text = json.dumps(document).replace("2026-12-", "2025-12-")
    past = json.loads(text)
    bodies = [
        json.dumps(past | {"reference": f"BENCH-{number}"}).encode() for number in range(COUNT)
    ]
    new = [
        NewReferral(
            id=ReferralId(new_uuid7()),
            publisher=PUBLISHER,
            reference=f"BENCH-{number}",
            idempotency_key=None,
            digest=documents.read(body).digest,
            body=body,
            accepted_at=now,
            actor="bench",
        )
        for number, body in enumerate(bodies)
    ]
    begun = time.perf_counter()
    for start in range(0, COUNT, BATCH):
        ledger.accept(new[start : start + BATCH])
    return time.perf_counter() - begun


def steady_rate(dsn: str) -> tuple[float, int]:
    """Return referrals a second, and how many deliveries there are.

    An event bears the instant at which its batch was claimed. The first batches are left out: in
    them each process reads the policy, once in its life.
    """
    import psycopg  # noqa: PLC0415 - only to look at the result, beside the ledger's own door

    with psycopg.connect(dsn) as connection:
        claimed = connection.execute(
            "select at, count(*) from event where kind = 'referral.routed' group by at order by at"
        ).fetchall()
        found = connection.execute("select count(*) from delivery").fetchone()
    assert found is not None
    steady = claimed[WARM:]
    seconds = (steady[-1][0] - steady[0][0]).total_seconds()
    return sum(count for _, count in steady[:-1]) / seconds, int(found[0])


def measure_noop(engines: Engines) -> dict[str, Any]:
    """Fill a queue with one empty task a referral, and time a worker until it is empty."""
    os.environ["NOOP_URL"] = url = engines.wakeup_url.replace("/0", "/1")
    from benchmarks.noop import noop  # noqa: PLC0415 - reads the address when it is imported

    for number in range(COUNT):
        noop.delay(f"BENCH-{number}")
    queue = Redis.from_url(url)
    with worker("benchmarks.noop", engines, NOOP_URL=url):
        wait_until(lambda: queue.llen("celery") < COUNT)
        begun = time.perf_counter()
        left = COUNT - queue.llen("celery")
        wait_until(lambda: not queue.llen("celery") and not queue.hlen("unacked"))
        seconds = time.perf_counter() - begun
    return {"noop_per_s": round((COUNT - left) / seconds)}


@contextmanager
def worker(app: str, engines: Engines, **extra: str) -> Iterator[None]:
    """Run one Celery worker with two processes."""
    command = [sys.executable, "-m", "celery", "-A", app, "worker", "--concurrency=2"]
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*command, "--loglevel=ERROR", *QUIET],
        cwd=ROOT,
        env={
            **os.environ,
            "C_FORCE_ROOT": "1",
            "BROKER_DATABASE_URL": engines.database_url,
            "BROKER_WAKEUP_URL": engines.wakeup_url,
            "BROKER_EXCHANGE_URL": engines.exchange_url,
            "BROKER_LOG_LEVEL": "error",
            **extra,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(40)


def wait_until(is_so: Callable[[], bool]) -> None:
    """Look every few milliseconds, for two minutes at most."""
    until = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > until:
            raise TimeoutError("The worker did not finish in time.")
        time.sleep(0.01)


if __name__ == "__main__":
    main()
