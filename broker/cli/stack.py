"""A whole broker on this machine: engines, ledger, policy, keys, gateway and workers."""

from __future__ import annotations

import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import urllib3

from broker.cli.children import Children
from broker.cli.exits import Failure
from broker.cli.provision import mint, publish_policy
from broker.cli.shipped import POLICY
from broker.domain.codes import Scope
from broker.embedded import Engines
from broker.ledger import migrate
from broker.ledger.ledger import Ledger
from broker.policy.book import PolicyBook

HOST = "127.0.0.1"
OK = 200
READY_SECONDS = 30.0
POLL_SECONDS = 0.05
SCOPES = {
    "police": frozenset({Scope.PUBLISH, Scope.COLLECT}),
    "ops": frozenset({Scope.OPS}),
}
"""What the key of an organisation may do, by its kind; any other collects."""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Stack:
    """Where everything is while it runs."""

    url: str
    database_url: str = field(repr=False)
    exchange_url: str = field(repr=False)
    ledger: Ledger
    children: Children
    folder: Path
    """A private folder for logs, keys and notes."""
    book: PolicyBook
    keys: Mapping[str, str] = field(repr=False)
    """A key for each organisation, by its code."""

    @property
    def names(self) -> Mapping[str, str]:
        """The name of each organisation by its code."""
        return {o.code: o.name for o in self.book.directory.organisations}


@contextmanager
def running(say: Say, *, port: int = 0) -> Iterator[Stack]:
    """Start everything, and end everything when the block is left, whatever happened.

    ``port``: where the gateway listens on loopback; 0 takes a free one.
    """
    with ExitStack() as ending:
        folder = _private_folder(ending)
        say("Starting PostgreSQL and two Valkeys, private to this run")
        engines = ending.enter_context(Engines())
        say("Making the ledger, loading policy and directory, issuing keys")
        migrate.migrate(engines.database_url)
        ledger = ending.enter_context(
            Ledger.open(engines.database_url, application_name="broker-stack")
        )
        book, keys = _provision(ledger)
        say("Starting the gateway and a Celery worker with two processes")
        children = ending.enter_context(Children(folder))
        url = _start_services(children, engines, port)
        yield Stack(
            url=url,
            database_url=engines.database_url,
            exchange_url=engines.exchange_url,
            ledger=ledger,
            children=children,
            folder=folder,
            book=book,
            keys=keys,
        )


def _private_folder(ending: ExitStack) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="broker-"))
    ending.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _provision(ledger: Ledger) -> tuple[PolicyBook, Mapping[str, str]]:
    """Publish the shipped policy, and issue one key for each organisation of its directory."""
    now = datetime.now(UTC)
    book = publish_policy(ledger, POLICY, now=now)
    keys = {}
    for organisation in book.directory.organisations:
        scopes = SCOPES.get(organisation.kind, frozenset({Scope.COLLECT}))
        key = mint(organisation.code, scopes, label="sample", now=now)
        ledger.add_credential(key.credential)
        keys[organisation.code] = key.text
    return book, keys


def _start_services(children: Children, engines: Engines, port: int) -> str:
    """Start gateway and worker and wait until the gateway says that it is ready."""
    environment = {
        "BROKER_DATABASE_URL": engines.database_url,
        "BROKER_WAKEUP_URL": engines.wakeup_url,
        "BROKER_EXCHANGE_URL": engines.exchange_url,
        "BROKER_POLICY_DIR": str(POLICY),
    }
    broker = [sys.executable, "-m", "broker"]
    with socket.create_server((HOST, port)) as listener:
        fd = listener.fileno()
        serve = [*broker, "serve", "--fd", str(fd)]
        children.start("gateway", serve, environment=environment, fds=[fd])
        url = f"http://{HOST}:{listener.getsockname()[1]}"
    children.start("worker", [*broker, "worker"], environment=environment)
    _wait_until_ready(url, children)
    return url


def _wait_until_ready(url: str, children: Children) -> None:
    until = time.monotonic() + READY_SECONDS
    with urllib3.PoolManager(retries=False, timeout=READY_SECONDS) as pool:
        while not _is_ready(pool, url):
            children.check()
            if time.monotonic() > until:
                raise Failure("the gateway did not become ready in time.")
            time.sleep(POLL_SECONDS)


def _is_ready(pool: urllib3.PoolManager, url: str) -> bool:
    try:
        return pool.request("GET", f"{url}/readyz").status == OK
    except urllib3.exceptions.HTTPError:
        return False
