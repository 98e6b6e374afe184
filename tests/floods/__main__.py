"""What others feel of one caller's flood: ``make floods`` prints how long their calls take.

Stretches with and without the flood follow each other, so that what else the machine does meanwhile
weighs on both alike.
"""

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from benchmarks import process_table
from broker.admin.api_keys import issue
from broker.admin.publish_policy import publish
from broker.channels.registry import CHANNELS
from broker.devstack.engines import Engines
from broker.domain.codes import Scope
from broker.domain.ids import OrganisationCode
from broker.ledger.ledger import Ledger
from broker.ledger.migrate import migrate
from broker.policy.published.policy import documents_from
from tests.acceptance.conftest import sample
from tests.acceptance.stack import Stack
from tests.conftest import POLICIES, ROOT

FLOODS = {
    "head": "one connection without a key, an endless header",
    "silent": "1,150 connections that say nothing",
    "half": "1,150 connections that drip half a head",
    "nowhere": "60 connections without a key, calls without a pause",
    "strangers": "20 connections with keys that there are not",
    "calls": "one key, 60 connections, calls without a pause",
    "polls": "one key, 1,500 long polls, 150 of them a second",
    "bulks": "one key, 16 bulks of 10 MB at once",
    "sink": "the same bulks, sent to a server that does nothing with them",
}
"""The last one is a control: what the flooding client alone takes from others on this machine."""
PER_SECOND = 20
ELSEWHERE = "127.0.0.2"
"""Where the others call from: what is bounded for each address is not taken from them."""
PERCENTILES = (50, 99)
STRETCH_SECONDS = 5.0
BEGINNING_SECONDS = 4.0
"""Until a flood is at its height."""
BEGIN_WITH_AN_ANSWER = ("bulks", "calls", "nowhere", "strangers")
"""Floods that are only beginning until the first of their calls is answered."""


class Probe:
    """Another publisher and another agency, which make calls at an even pace."""

    def __init__(self, port: int, publisher: str, agency: str) -> None:
        self._port, self._keys = port, (publisher, agency)
        self._number = 0

    def look(self, seconds: float) -> Mapping[str, Sequence[float]]:
        """Return how long the calls of so many seconds took, by kind."""
        took: dict[str, list[float]] = {"publish": [], "queue": []}
        threads = [
            threading.Thread(target=self._repeat, args=(kind, took[kind], seconds)) for kind in took
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return took

    def _repeat(self, kind: str, took: list[float], seconds: float) -> None:
        connection = http.client.HTTPConnection(
            "127.0.0.1", self._port, timeout=60, source_address=(ELSEWHERE, 0)
        )
        begun = time.monotonic()
        for place in range(int(seconds * PER_SECOND)):
            time.sleep(max(0.0, begun + place / PER_SECOND - time.monotonic()))
            began = time.monotonic()
            if began - begun > seconds:
                return
            self._call(connection, kind)
            took.append(time.monotonic() - began)

    def _call(self, connection: http.client.HTTPConnection, kind: str) -> None:
        publisher, agency = self._keys
        if kind == "publish":
            self._number += 1
            body = json.dumps({**sample(1), "reference": f"PROBE/{self._number}"})
            headers = {"Authorization": f"Bearer {publisher}", "Content-Type": "application/json"}
            connection.request("POST", "/v1/referrals", body, headers)
        else:
            headers = {"Authorization": f"Bearer {agency}"}
            connection.request("GET", "/v1/queue", headers=headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status in {200, 202}, answer.status


Times = dict[str, list[float]]
"""How long calls took, by kind; and under ``SPENT``, processors that each stretch used."""
SPENT = ("gateway", "postgres", "client")
"""The last one is the flood's own process."""


@dataclass
class Measured:
    """What others felt of one flood, and what became of it."""

    without: Times = field(default_factory=lambda: defaultdict(list))
    under: Times = field(default_factory=lambda: defaultdict(list))
    answers: Counter[str] = field(default_factory=Counter)
    """To the flood, by status."""
    lines: list[float] = field(default_factory=list)
    """Of its bulks, that were accepted in a second."""


@dataclass
class Bench:
    """A gateway, those who call it, and the flood's key."""

    stack: Stack
    probe: Probe
    key: str
    database_url: str
    sink: int
    """The port of the control."""

    def measure(self, kinds: Sequence[str], seconds: float) -> Mapping[str, Measured]:
        """Return what others felt of each flood, for so long each.

        All floods are looked at in turn, again and again: whatever else slows the machine down
        meanwhile falls on each alike.
        """
        measured = {kind: Measured() for kind in kinds}
        for number in range(max(1, round(seconds / STRETCH_SECONDS))):
            for kind in kinds if number % 2 else reversed(kinds):
                _add(measured[kind].without, self._watched())
                self._flooded(kind, measured[kind])
                time.sleep(2)
        return measured

    def _flooded(self, kind: str, measured: Measured) -> None:
        length = f"{STRETCH_SECONDS + BEGINNING_SECONDS + 600}"
        is_control = kind == "sink"
        port = self.sink if is_control else self.stack.port
        flood = "bulks" if is_control else kind
        command = ("-m", "tests.floods.flooding", flood, str(port), self.key, length)
        with subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, stdout=subprocess.PIPE
        ) as client:
            assert client.stdout is not None
            assert client.stdout.readline() == b"begins\n"
            if flood in BEGIN_WITH_AN_ANSWER:
                assert client.stdout.readline() == b"is answered\n"
            time.sleep(BEGINNING_SECONDS)
            began, before = time.monotonic(), self._lines()
            _add(measured.under, self._watched(client.pid))
            measured.lines.append((self._lines() - before) / (time.monotonic() - began))
            client.terminate()
            measured.answers += Counter(json.loads(client.stdout.read().splitlines()[-1]))

    def _lines(self) -> int:
        with psycopg.connect(self.database_url) as connection:
            row = connection.execute(
                "select count(*) from referral where reference like 'FLOOD/%'"
            ).fetchone()
        assert row is not None
        return int(row[0])

    def _watched(self, client: int | None = None) -> Mapping[str, Sequence[float]]:
        """Return how long calls took, and how much of a processor everybody used meanwhile."""
        began, before = time.monotonic(), self._spent(client)
        took = self.probe.look(STRETCH_SECONDS)
        seconds, after = time.monotonic() - began, self._spent(client)
        return {**took, **{name: [(after[name] - before[name]) / seconds] for name in SPENT}}

    def _spent(self, client: int | None) -> Mapping[str, float]:
        """Return the processor seconds so far of each of ``SPENT``."""
        assert self.stack.gateway is not None
        table = process_table.read()
        gateway = process_table.family(self.stack.gateway.pid, table)
        postgres = {
            number
            for number in process_table.family(os.getpid(), table)
            if table[number].program == "postgres"
        }
        families = zip(SPENT, (gateway, postgres, {client} - {None}), strict=True)
        return {
            name: sum(table[n].own + table[n].of_children for n in members)
            for name, members in families
        }


def _add(times: Times, more: Mapping[str, Sequence[float]]) -> None:
    for kind, seconds in more.items():
        times[kind] += seconds


def shown(measured: Mapping[str, Measured]) -> str:
    """Return a table in Markdown, in milliseconds: each flood, and beside it the calm."""
    head = ["flood"]
    for column in ("publish p50, p99", "queue p50, p99", *(f"{name} uses" for name in SPENT)):
        head += [column, "without it"]
    head += ["lines a second", "answers"]
    lines = [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
    for kind, seen in measured.items():
        pairs = (seen.under, seen.without)
        cells = [_percentiles(times[call]) for call in ("publish", "queue") for times in pairs]
        cells += [f"{statistics.mean(times[name]):.0%}" for name in SPENT for times in pairs]
        answers = ", ".join(f"{count} {status}" for status, count in sorted(seen.answers.items()))
        cells += [f"{statistics.mean(seen.lines):.0f}", answers]
        lines.append(f"| {FLOODS[kind]} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _percentiles(times: Sequence[float]) -> str:
    cuts = statistics.quantiles(times, n=100)
    shown = ", ".join(f"{cuts[place - 1] * 1000:.1f}" for place in PERCENTILES)
    return f"{shown} (of {len(times)})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--floods", default=",".join(FLOODS))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Engines(durable=False) as engines:
        migrate(engines.database_url)
        now = datetime.now(UTC)
        with Ledger.open(engines.database_url, application_name="floods") as ledger:
            publish(ledger, documents_from(POLICIES), now=now, channels=CHANNELS.forms)
            keys = [
                issue(ledger, OrganisationCode(name), [Scope(scope)], label="flood", now=now)
                for name, scope in (
                    ("staffordshire-police", "publish"),
                    ("west-mercia-police", "publish"),
                    ("shropshire-csc", "collect"),
                )
            ]
        flooder, publisher, agency = map(str, keys)
        with (
            Stack(engines, engines.database_url, Path(folder), workers=0) as stack,
            _sink() as port,
        ):
            probe = Probe(stack.port, publisher, agency)
            probe.look(3)
            bench = Bench(stack, probe, flooder, engines.database_url, port)
            print(shown(bench.measure(given.floods.split(","), given.seconds)))


@contextmanager
def _sink() -> Iterator[int]:
    """Run the control, and give its port."""
    command = [sys.executable, "-m", "tests.floods.sink"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as sink:
        assert sink.stdout is not None
        try:
            yield int(sink.stdout.readline())
        finally:
            sink.terminate()


if __name__ == "__main__":
    main()
