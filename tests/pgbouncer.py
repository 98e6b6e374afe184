"""A PgBouncer of the tests' own, in transaction mode, before their PostgreSQL.

It is Debian's (``pgbouncer``), which ``.ci/run`` installs; it has no wheel.
"""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from broker.devstack.engines import Engine
from broker.devstack.reaper import Reaper

PROGRAM = Path("/usr/sbin/pgbouncer")
LOOPBACK = "127.0.0.1"
SESSIONS = 2
"""At PostgreSQL for each database, so that connections share them."""


def is_installed() -> bool:
    """Tell whether this machine has a PgBouncer."""
    return PROGRAM.exists()


class PgBouncer(Engine):
    """A PgBouncer that lets everybody in; ``ignored`` are start-up parameters that it drops."""

    name = "PgBouncer"

    def __init__(self, folder: Path, reaper: Reaper, *, database_url: str, ignored: str) -> None:
        super().__init__(folder, reaper)
        self._server = parse_qs(urlsplit(database_url).query)["host"][0]
        self._ignored = ignored
        with socket.create_server((LOOPBACK, 0)) as probe:
            self._port = probe.getsockname()[1]

    def url(self, dsn: str) -> str:
        """Return the address of a database by way of this pooler."""
        return f"postgresql://broker@{LOOPBACK}:{self._port}{urlsplit(dsn).path}"

    def _launch(self) -> subprocess.Popen[bytes]:
        self.folder.mkdir(mode=0o755, exist_ok=True)
        file = self.folder / "pgbouncer.ini"
        file.write_text(
            f"[databases]\n* = host={self._server} user=broker\n"
            f"[pgbouncer]\nlisten_addr = {LOOPBACK}\nlisten_port = {self._port}\n"
            "unix_socket_dir =\nauth_type = any\npool_mode = transaction\n"
            f"default_pool_size = {SESSIONS}\nmax_client_conn = 100\n"
            f"ignore_startup_parameters = {self._ignored}\n"
        )
        account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        # Read by its own account, in a folder that only ours may enter.
        with file.open("rb") as settings, (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [PROGRAM, "/dev/stdin"],
                cwd="/",
                stdin=settings,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
            )

    def _is_ready(self) -> bool:
        try:
            socket.create_connection((LOOPBACK, self._port), timeout=1).close()
        except OSError:
            return False
        return True
