"""Two Valkeys of the tests' own under a Sentinel: a master, its replica, and who promotes it.

The Sentinel is Debian's (``redis-sentinel``), which ``.ci/run`` installs; the Valkeys are those of
the devstack.
"""

from __future__ import annotations

import secrets
import shutil
import socket
import subprocess
from pathlib import Path

from redis import Redis

from broker.devstack.engines import Engine, Valkey
from broker.devstack.reaper import Reaper
from tests.conftest import eventually

LOOPBACK = "127.0.0.1"
GROUP = "agencies"
DOWN_AFTER_MILLISECONDS = 500


def is_installed() -> bool:
    """Tell whether this machine has a Sentinel."""
    return shutil.which("redis-sentinel") is not None


class Sentinel(Engine):
    """A master, its replica and one Sentinel that watches them."""

    name = "Sentinel"

    def __init__(self, folder: Path, reaper: Reaper) -> None:
        super().__init__(folder, reaper)
        folder.mkdir()
        self.first = _Node(folder / "first", reaper, None)
        self.second = _Node(folder / "second", reaper, self.first)
        self._password = secrets.token_urlsafe(24)
        with (
            socket.create_server((LOOPBACK, 0)) as probe,
            socket.create_server((LOOPBACK, 0)) as closed,
        ):
            self._port = probe.getsockname()[1]
            self._closed = closed.getsockname()[1]

    @property
    def url(self) -> str:
        """The broker's own address; the first sentinel that it names is away."""
        user = f"broker:{self.first.password}"
        hosts = f"{LOOPBACK}:{self._closed},{LOOPBACK}:{self._port}"
        return f"sentinel://{user}@{hosts}/{GROUP}/0?sentinel_password={self._password}"

    def master(self) -> tuple[str, int]:
        """Return where the Sentinel says that the master is."""
        with Redis(port=self._port, password=self._password) as client:
            host, port = client.sentinel_get_master_addr_by_name(GROUP)
        return host, int(port)

    def start(self) -> None:
        """Start everything, and wait until the replica has what the master has."""
        self.first.start()
        self.second.start()
        super().start()
        eventually(self._has_replica)
        eventually(self.second.is_in_step)

    def stop(self) -> None:
        """End everything."""
        for engine in (self.first, self.second):
            engine.stop()
        super().stop()

    def _has_replica(self) -> bool:
        with Redis(port=self._port, password=self._password) as client:
            replicas = client.sentinel_slaves(GROUP)
        return any(replica["flags"] == {"slave"} or replica["is_slave"] for replica in replicas)

    def _launch(self) -> subprocess.Popen[bytes]:
        file = self.folder / "sentinel.conf"  # it writes what it has learned into it
        lines = [f"bind {LOOPBACK}", f"port {self._port}", f"dir {self.folder}"]
        lines += [f"requirepass {self._password}"]
        lines += [f"sentinel monitor {GROUP} {LOOPBACK} {self.first.port} 1"]
        lines += [f"sentinel auth-user {GROUP} broker"]
        lines += [f"sentinel auth-pass {GROUP} {self.first.password}"]
        lines += [f"sentinel down-after-milliseconds {GROUP} {DOWN_AFTER_MILLISECONDS}"]
        lines += [f"sentinel failover-timeout {GROUP} 3000"]
        file.touch(mode=0o600)
        file.write_text("\n".join(lines) + "\n")
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                ["redis-sentinel", str(file)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _is_ready(self) -> bool:
        try:
            return bool(self.master())
        except OSError:
            return False
        except Exception as error:
            if "onnect" in type(error).__name__:
                return False
            raise


class _Node(Valkey):
    """A Valkey that follows another one, with the same password."""

    def __init__(self, folder: Path, reaper: Reaper, master: _Node | None) -> None:
        super().__init__(folder, reaper, keeps=True)
        self._master = master
        if master is not None:
            self._password = master.password

    @property
    def password(self) -> str:
        """That of the user ``broker``."""
        return self._password

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._port

    def is_in_step(self) -> bool:
        """Tell whether a replica has taken over everything, and follows its master."""
        with Redis.from_url(self.url) as client:
            replication = client.info("replication")
        return replication["role"] == "slave" and replication["master_link_status"] == "up"

    def _configuration(self) -> str:
        lines = f"masteruser broker\nmasterauth {self._password}\nrepl-diskless-sync-delay 0\n"
        if self._master is not None:
            lines += f"replicaof {LOOPBACK} {self._master.port}\n"
        return super()._configuration() + lines
