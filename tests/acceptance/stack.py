"""Real processes on real engines: a gateway and workers that a test may kill."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from broker.devstack.engines import Engines, as_application
from tests.conftest import CHILD_KEY, ROOT, SIGNING_KEY, eventually

START_SECONDS = 180.0
"""How long a gateway may take to start: the machine may be busy with many."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network of its own for some processes."""

    host: str
    """Where they are reached."""
    command: tuple[str, ...]
    """Runs another command there."""


class Stack:
    """One gateway and some workers; whatever runs is ended with it, or when this process dies."""

    def __init__(
        self,
        engines: Engines,
        dsn: str,
        folder: Path,
        *,
        workers: int = 1,
        stderr: int | str | None = None,
        network: Network | None = None,
        **more: str,
    ) -> None:
        """``stderr``: where the processes log; ``none`` starts them without one.

        ``network``: another than this machine's own, in which they run.
        """
        self._network = network
        self.environ = {
            **{k: v for k, v in os.environ.items() if not k.startswith("BROKER_")},
            "BROKER_DATABASE_URL": as_application(dsn),
            "BROKER_WAKEUP_URL": engines.wakeup_url,
            "BROKER_EXCHANGE_URL": engines.exchange_url,
            "BROKER_CHILD_KEY": CHILD_KEY.hex(),
            "BROKER_SIGNING_KEY": SIGNING_KEY,
            "BROKER_LEASE_SECONDS": "5",
            "BROKER_LOG_LEVEL": "warning",
            **more,
        }
        self._log = (folder / "log").open("ab")
        self._reaper = engines.reaper
        self._started: list[int] = []
        self._count = workers
        self._stderr = stderr
        self.port = free_port()
        self._host = network.host if network else "127.0.0.1"
        self.url = f"http://{self._host}:{self.port}"
        self.gateway: subprocess.Popen[bytes] | None = None
        self.workers: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        try:
            self.start_gateway()
            self.workers = [self.start_worker() for _ in range(self._count)]
            eventually(self.is_ready, within=START_SECONDS)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def start_gateway(self) -> None:
        self.gateway = self._start("serve", "--host", self._host, "--port", str(self.port))

    def start_worker(self, **more: str) -> subprocess.Popen[bytes]:
        """Start a worker, with ``more`` in its environment; it is ended by whoever keeps it."""
        return self._start("worker", "--concurrency", "2", **more)

    def start_another_gateway(self, port: int, **more: str) -> subprocess.Popen[bytes]:
        """Start one beside this stack's own; it is ended by whoever keeps it."""
        return self._start("serve", "--port", str(port), **more)

    def kill_gateway(self) -> None:
        assert self.gateway is not None
        kill(self.gateway)

    def kill_worker(self) -> None:
        """Kill a worker with all its children, in the middle of whatever it does."""
        kill(self.workers.pop(0))
        self.workers.append(self.start_worker())

    def is_ready(self) -> bool:
        with (
            suppress(OSError, urllib.error.URLError),
            urllib.request.urlopen(f"{self.url}/readyz", timeout=2) as answer,
        ):
            return bool(answer.status == 200)
        return False

    def close(self) -> None:
        for process in (self.gateway, *self.workers):
            if process is not None:
                kill(process)
        for pid in self._started:
            self._reaper.remove(pid)
        self._log.close()

    def _start(self, *command: str, **more: str) -> subprocess.Popen[bytes]:
        command = (sys.executable, "-m", "broker", *command)
        if self._stderr == "none":
            command = ("/bin/sh", "-c", 'exec "$@" 2>&-', "sh", *command)
        if self._network is not None:
            command = (*self._network.command, *command)
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**self.environ, **more},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._stderr if isinstance(self._stderr, int) else self._log,
            start_new_session=True,
        )
        self._reaper.add(process.pid)
        self._started.append(process.pid)
        return process


def kill(process: subprocess.Popen[bytes]) -> None:
    """Kill a process with everything that it started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)


def free_port() -> int:
    """Return a port of this machine that is free."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
