"""Real processes on real engines: gateways, workers, PostgreSQL, two Valkeys, all to be struck.

A supervisor starts again whatever has died, as any host's would; whatever is frozen by a strike is
thawed by it, or at the end. When the run itself is killed its processes end with the engines.
"""

from __future__ import annotations

import itertools
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Self

from broker.admin.publish_policy import publish
from broker.channels.registry import CHANNELS
from broker.devstack.engines import Engine, Engines
from broker.ledger.ledger import Ledger
from broker.transport.signatures import new_private_key
from tests import host_clock
from tests.faults import documents
from tests.faults.journal import Flooded, Stopped
from tests.faults.mail import MailServer
from tests.relay import Relay

LOOK_SECONDS = 0.2
END_SECONDS = 45.0
"""What docs/operations.md grants a worker between TERM and KILL."""


class Service:
    """One gateway or worker, on a host of its own: its clock can be set."""

    def __init__(
        self,
        name: str,
        command: list[str],
        installation: Installation,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name
        self._settings = settings or {}
        self.host_clock = installation.folder / f"clock.{name}"
        """By how many seconds the clock of its host is wrong."""
        self.resting = False
        """Whether a strike keeps it down."""
        self.tree = installation.tree
        """Where its code is."""
        self._command = command
        self._installation = installation
        self._process: subprocess.Popen[bytes] | None = None
        self._was_asked = False
        """Whether its end was asked for."""
        self._was_maimed = False
        """Whether a process that it had started was killed."""
        self.starts = 0

    @property
    def port(self) -> int | None:
        """Where a gateway listens."""
        return self._installation.port_of(self.name)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def own_end(self) -> str | None:
        """How it ended by itself: nobody killed it, and nobody asked it to end.

        A worker one of whose own processes was killed may give up, if it says so by its exit
        code: Celery does while it starts, and where the process kept the list of semaphores.
        """
        code = None if self._process is None else self._process.poll()
        if code is None or code < 0 or self._was_asked or (code and self._was_maimed):
            return None
        return f"{self.name} with exit code {code}"

    def start(self, stderr: int | None = None, **settings: str) -> None:
        """Start it; ``stderr`` is where it logs to instead of its file."""
        self.starts += 1
        self.sweep_up()
        self._forget()
        self._was_asked = self._was_maimed = False
        environment = {**self._installation.environment, **self._settings, **settings}
        environment["PYTHONPATH"] = f"{self.tree}:{self.tree / 'sdk'}"
        with (self._installation.folder / f"{self.name}.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "broker", *self._command],
                cwd=self.tree,
                env={**environment, **host_clock.environment(self.host_clock, environment)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log if stderr is None else stderr,
                start_new_session=True,
            )
        self._installation.engines.reaper.add(self._process.pid)

    def children(self) -> list[int]:
        return sorted(descendants(self.pid))

    def kill_a_child(self, dice: Random) -> int:
        """Kill one of the processes that it started; return how many there were."""
        children = self.children()
        if children:
            self._was_maimed = True
            os.kill(dice.choice(children), signal.SIGKILL)
        return len(children)

    def end(self) -> None:
        """Ask it to end in order, and make sure that it has."""
        assert self._process is not None
        self._was_asked = True
        self._process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(END_SECONDS)
        self.kill()

    def kill(self) -> None:
        """Kill it with everything that it started."""
        self.sweep_up()
        if self._process is not None:
            self._process.wait(10)
        self._forget()

    def _forget(self) -> None:
        """Have the reaper forget what has ended: another process may get its number."""
        if self._process is not None:
            self._installation.engines.reaper.remove(self._process.pid)

    def sweep_up(self) -> None:
        """Kill whatever is left of the session that the last start began."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)


class Installation:
    """Two gateways and two workers from one tree, over engines of their own."""

    def __init__(self, engines: Engines, folder: Path, tree: Path, *, flood_key: str = "") -> None:
        self.engines = engines
        self.flood_key = flood_key
        """With which a flood calls."""
        self.folder = folder
        self.tree = tree
        self.points = folder / "points"
        self.points.mkdir(parents=True)
        self.environment = {
            **{k: v for k, v in os.environ.items() if not k.startswith("BROKER_")},
            "BROKER_DATABASE_URL": engines.application_url,
            "BROKER_WAKEUP_URL": engines.wakeup_url,
            "BROKER_EXCHANGE_URL": engines.exchange_url,
            "BROKER_SIGNING_KEY": new_private_key(),
            "BROKER_POINTS_DIR": str(self.points),
            "BROKER_CLOCK_FILE": str(self.folder / "clock"),
            "BROKER_LEASE_SECONDS": "5",
            "BROKER_LOG_LEVEL": "warning",
            "BROKER_SMTP_SENDER": "broker@broker.example.org",
        }
        self.mail = MailServer()
        self.relays = {
            "ledger": Relay.before_postgresql(engines.database_url),
            "wakeup": Relay.before(engines.wakeup_url),
            "exchange": Relay.before(engines.exchange_url),
            "mail": Relay(("127.0.0.1", self.mail.port)),
        }
        """Before each server, for the second gateway and the second worker; mail for all."""
        self.environment["BROKER_SMTP_URL"] = f"smtp://127.0.0.1:{self.relays['mail'].port}"
        far = {
            "BROKER_DATABASE_URL": self.relays["ledger"].dsn(engines.application_url),
            "BROKER_WAKEUP_URL": self.relays["wakeup"].url(engines.wakeup_url),
            "BROKER_EXCHANGE_URL": self.relays["exchange"].url(engines.exchange_url),
        }
        settings = {1: {}, 2: far}
        self._ports = {f"gateway-{n}": _free_port() for n in (1, 2)}
        self.gateways = [
            Service(f"gateway-{n}", ["serve", "--port", str(port)], self, settings[n])
            for n, port in enumerate(self._ports.values(), start=1)
        ]
        self.workers = [
            Service(f"worker-{n}", ["worker", "--concurrency", "1"], self, settings[n])
            for n in (1, 2)
        ]
        self.locks = {
            part: threading.Lock()
            for part in (
                "ledger",
                "wakeup",
                "exchange",
                "gateway",
                "worker",
                "clock",
                "points",
                "policy",
                "flood",
                *(f"link to {server}" for server in self.relays),
            )
        }
        """One strike at a time on each part."""
        self.ahead = 0.0
        """How far the ledger's clock is ahead of PostgreSQL's, in seconds; it only ever grows."""
        self.ends: list[str] = []
        """Who ended by itself, and how: nobody killed it and nobody asked it to."""
        self.floods: list[Flooded] = []
        self.outages: list[Stopped] = []
        self._policies = itertools.count(1)
        self._frozen: set[int] = set()
        self._ending = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)

    @property
    def services(self) -> list[Service]:
        return [*self.gateways, *self.workers]

    def port_of(self, name: str) -> int | None:
        return self._ports.get(name)

    def ports(self) -> list[int]:
        return list(self._ports.values())

    def __enter__(self) -> Self:
        self.go_ahead(0)
        self.set_clocks()
        self.mail.start()
        for relay in self.relays.values():
            relay.__enter__()
        for service in self.services:
            service.start()
        self._supervisor.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._supervisor.join(10)
        self.thaw_all()
        for service in self.services:
            service.kill()
        for relay in self.relays.values():
            relay.__exit__()
        self.mail.stop()

    def heal(self) -> None:
        """Take back whatever a strike may have left behind."""
        for order in self.points.iterdir():
            order.unlink(missing_ok=True)
        for relay in self.relays.values():
            relay.speak()
        self.thaw_all()
        self.set_clocks()

    def set_clocks(self, only: Service | None = None, *, off: float = 0.0) -> None:
        """Set the clock of every host, or of one alone, this far off from where it belongs."""
        for service in self.services if only is None else [only]:
            host_clock.set_clock(service.host_clock, off)

    def go_ahead(self, seconds: float) -> None:
        """Let the ledger's clock leap ahead, for good, as everybody sees it."""
        self.ahead += seconds
        host_clock.set_clock(self.folder / "clock", self.ahead)

    def publish_policy(self) -> str:
        """Put one more version of the policy in force, which decides the same."""
        found = documents.policy()
        name = next(iter(found))
        changed = {**found, name: f"{found[name]}\n# Number {next(self._policies)}.\n"}
        with Ledger.open(self.engines.application_url, application_name="campaign") as ledger:
            return publish(ledger, changed, now=datetime.now(UTC), channels=CHANNELS.forms)

    def freeze(self, *pids: int) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                self._frozen.add(pid)

    def thaw(self, *pids: int) -> None:
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
            self._frozen.discard(pid)

    def thaw_all(self) -> None:
        self.thaw(*self._frozen)

    def _supervise(self) -> None:
        while not self._ending.wait(LOOK_SECONDS):
            for service in self.services:
                if not service.resting and not service.alive:
                    if service.own_end:
                        self.ends.append(service.own_end)
                    service.start()


def engine_pids(engine: Engine) -> list[int]:
    """Return the processes of an engine, its parent first."""
    process = engine._process
    if process is None or process.poll() is not None:
        return []
    return [process.pid, *descendants(process.pid)]


def kill_engine(engine: Engine) -> None:
    """Kill an engine and every process of it, as when its machine loses power."""
    pids = engine_pids(engine)
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    engine.kill()
    until = time.monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < until:
        time.sleep(0.02)


def descendants(pid: int) -> Iterator[int]:
    """Give the children of a process, and theirs."""
    parents: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with suppress(OSError, IndexError, ValueError):
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                parents.setdefault(int(fields[1]), []).append(int(folder.name))
    waiting = list(parents.get(pid, ()))
    while waiting:
        child = waiting.pop()
        yield child
        waiting += parents.get(child, ())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
