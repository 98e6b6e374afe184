"""A RabbitMQ of the tests' own: loopback ports, a folder of its own, ended by its process ids.

It is Debian's (``rabbitmq-server``), which ``.ci/run`` installs; it has no wheel.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from broker.devstack.engines import Engine
from broker.devstack.reaper import Reaper, signal_session

PROGRAMS = Path("/usr/lib/rabbitmq/bin")
"""Where Debian has the programs; the commands in /usr/sbin change to another account."""
LOOPBACK = "127.0.0.1"


def is_installed() -> bool:
    """Tell whether this machine has a RabbitMQ."""
    return (PROGRAMS / "rabbitmq-server").exists()


class RabbitMQ(Engine):
    """A RabbitMQ, and the Erlang port mapper that it needs, both in the foreground."""

    name = "RabbitMQ"

    def __init__(self, folder: Path, reaper: Reaper, *, beside: RabbitMQ | None = None) -> None:
        """``beside``: another that runs, whose cluster this one is to join."""
        super().__init__(folder, reaper)
        self._password = beside._password if beside else secrets.token_urlsafe(24)
        self._amqp, self._distribution, self._mapper_port = _free_ports(3)
        self._beside = beside
        if beside:
            self._mapper_port = beside._mapper_port
        self._mapper: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The broker's own address."""
        return f"amqp://broker:{quote(self._password)}@{LOOPBACK}:{self._amqp}//"

    @property
    def node(self) -> str:
        """How a cluster names it."""
        return f"tests-{self._amqp}@localhost"

    def join(self) -> None:
        """Join the cluster of the one beside which it was made."""
        assert self._beside is not None
        for command in (("stop_app",), ("join_cluster", self._beside.node), ("start_app",)):
            self.control(*command)

    def control(self, *arguments: str, said: str = "") -> str:
        """Run ``rabbitmqctl``, say something on its standard input, and return what it prints.

        Raises CalledProcessError.
        """
        return subprocess.run(
            [PROGRAMS / "rabbitmqctl", "--quiet", *arguments],
            env=self._environment(),
            cwd=self.folder,
            input=f"{said}\n",
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        ).stdout

    def kill(self) -> None:
        """End the server at once, and what its script has started."""
        self.signal(signal.SIGKILL)
        super().kill()

    def signal(self, how: signal.Signals) -> None:
        """Send a signal to every process of the server."""
        if self._process is not None:
            signal_session(self._process.pid, how)

    def stop(self) -> None:
        """End the server, then the port mapper."""
        super().stop()
        if self._mapper is not None:
            self._mapper.terminate()
            self._mapper.wait(10)
            self._reaper.remove(self._mapper.pid)
            self._mapper = None

    def _launch(self) -> subprocess.Popen[bytes]:
        self.folder.mkdir(mode=0o700, exist_ok=True)
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.local = {LOOPBACK}:{self._amqp}\n"
            f"default_user = broker\ndefault_pass = {self._password}\n"
            "log.console = true\nlog.file = false\n"
        )
        (self.folder / "enabled_plugins").write_text("[].\n")
        if self._beside:
            cookie = self.folder / ".erlang.cookie"
            cookie.unlink(missing_ok=True)
            cookie.write_bytes((self._beside.folder / cookie.name).read_bytes())
            cookie.chmod(0o400)
        elif self._mapper is None:
            self._mapper = self._run(
                ["/usr/bin/epmd", "-address", LOOPBACK, "-port", str(self._mapper_port)]
            )
            self._reaper.add(self._mapper.pid)
        return self._run([PROGRAMS / "rabbitmq-server"])

    def _run(self, command: Sequence[str | Path]) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                command,
                env=self._environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _environment(self) -> dict[str, str]:
        folder = str(self.folder)
        return {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": folder,
            "ERL_EPMD_PORT": str(self._mapper_port),
            "ERL_EPMD_ADDRESS": LOOPBACK,
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} "
            "+S 1:1",
            "RABBITMQ_CONF_ENV_FILE": f"{folder}/env.conf",
            "RABBITMQ_CONFIG_FILE": f"{folder}/rabbitmq",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{folder}/enabled_plugins",
            "RABBITMQ_MNESIA_BASE": f"{folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{folder}/logs",
            "RABBITMQ_PID_FILE": f"{folder}/pid",
        }

    def _is_ready(self) -> bool:
        log = self.folder / "log"
        return log.exists() and "Server startup complete" in log.read_text(errors="replace")


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server((LOOPBACK, 0)) for _ in range(count)]
    ports = [line.getsockname()[1] for line in held]
    for line in held:
        line.close()
    return ports
