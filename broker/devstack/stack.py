"""A whole broker on this machine: engines, ledger, policy, keys, gateway and a worker."""

from __future__ import annotations

import secrets
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import urllib3

from broker.admin import api_keys, publish_policy, signing_keys
from broker.channels.registry import CHANNELS
from broker.cli.database.key_files import write_key
from broker.cli.exit_codes import Failure
from broker.devstack.engines import EngineFailed, Engines
from broker.devstack.processes import Children
from broker.domain.codes import Scope
from broker.domain.ids import OrganisationCode
from broker.ledger import migrate
from broker.ledger.ledger import Ledger
from broker.policy.published.policy import Policy, documents_from, load
from broker.shipped import POLICY
from broker.transport import exchange_users
from broker.transport.signatures import new_private_key

HOST = "127.0.0.1"
BROKER = (sys.executable, "-m", "broker")
OK = 200
QUEUE = "queue"
READY_SECONDS = 90.0
POLL_SECONDS = 0.05
SCOPES = {
    "force": frozenset({Scope.PUBLISH, Scope.COLLECT}),
    "ops": frozenset({Scope.OPS}),
}
"""What the key of an organisation may do, by its kind; any other collects."""

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Stack:
    """The addresses, keys and processes of a running broker."""

    url: str
    exchange_urls: Path
    """A folder with each agency's own address of its queue, in a file named by its code."""
    address_files: Mapping[str, Path]
    """Of the ledger and both message brokers, by the setting that names the file; for the owner."""
    ledger: Ledger
    children: Children
    folder: Path
    """A private folder for logs and notes."""
    keys: Path
    """A folder with a key for each organisation, in a file named by its code."""
    agency_keys: Path
    """A folder with the private key of each agency that answers through a queue."""
    policy: Policy

    @property
    def names(self) -> Mapping[str, str]:
        """The name of each organisation by its code."""
        return {
            organisation.code: organisation.name
            for organisation in self.policy.directory.organisations
        }

    def key(self, organisation: str) -> str:
        """Return an organisation's key."""
        return (self.keys / organisation).read_text().strip()


@contextmanager
def running(report: Report, listener: socket.socket) -> Iterator[Stack]:
    """Start everything, and end everything when the block is left, also after an error.

    The gateway answers on ``listener``, which is closed here. Raises ``Failure`` if something does
    not start.
    """
    with ExitStack() as ending:
        ending.enter_context(listener)
        report("Starting PostgreSQL and two Valkeys, private to this run")
        engines = _start_engines(ending)
        folder = engines.folder / "run"
        folder.mkdir(mode=0o700)
        report("Making the ledger, publishing the policy, issuing keys")
        migrate.migrate(engines.database_url)
        ledger = ending.enter_context(
            Ledger.open(engines.application_url, application_name="broker stack")
        )
        policy = _publish_policy(ledger)
        _issue_keys(ledger, policy, folder / "keys")
        _register_agencies(ledger, policy, folder / "agency-keys")
        exchange_urls = _add_users(engines.exchange_url, policy, folder / "exchange-urls")
        report("Starting the gateway, and a worker with two processes")
        children = ending.enter_context(Children(folder, engines.reaper))
        settings = _settings(engines)
        signing_keys.publish_signing_key(
            ledger, settings["BROKER_SIGNING_KEY"], now=ledger.queries.clock()
        )
        url = _start_services(children, settings, listener)
        yield Stack(
            url=url,
            exchange_urls=exchange_urls,
            address_files=_write_files(settings, folder),
            ledger=ledger,
            children=children,
            folder=folder,
            keys=folder / "keys",
            agency_keys=folder / "agency-keys",
            policy=policy,
        )


def _start_engines(ending: ExitStack) -> Engines:
    try:
        return ending.enter_context(Engines())
    except ModuleNotFoundError:
        raise Failure(
            "the private PostgreSQL and Valkey are not installed here.",
            next_step='run `make env` in a checkout, or install "referral-broker[devstack]"',
        ) from None
    except EngineFailed as error:
        raise Failure(str(error), next_step=error.next_step) from None


def _publish_policy(ledger: Ledger) -> Policy:
    documents = documents_from(POLICY)
    channels = CHANNELS.forms
    version = publish_policy.publish(
        ledger, documents, now=ledger.queries.clock(), channels=channels
    )
    return load(documents, version=version, channels=channels)


def _issue_keys(ledger: Ledger, policy: Policy, folder: Path) -> None:
    """Issue one key for each organisation, readable by its owner alone."""
    folder.mkdir(mode=0o700)
    now = ledger.queries.clock()
    for organisation in policy.directory.organisations:
        scopes = SCOPES.get(organisation.kind, frozenset({Scope.COLLECT}))
        key = api_keys.issue(
            ledger, OrganisationCode(organisation.code), scopes, label="sample", now=now
        )
        write_key(folder / organisation.code, key)


def _register_agencies(ledger: Ledger, policy: Policy, folder: Path) -> None:
    """Make a private key for each agency with a queue, and register its public half."""
    folder.mkdir(mode=0o700)
    for organisation in policy.directory.organisations:
        if organisation.channel == QUEUE:
            pem = new_private_key()
            write_key(folder / organisation.code, pem)
            signing_keys.register(ledger, organisation.code, pem, now=ledger.queries.clock())


def _add_users(url: str, policy: Policy, folder: Path) -> Path:
    """Make a user of the exchange for each agency with a queue; return the folder of addresses."""
    folder.mkdir(mode=0o700)
    for organisation in policy.directory.organisations:
        if organisation.channel == QUEUE:
            password = secrets.token_urlsafe(24)
            exchange_users.add_user(url, organisation.code, password)
            address = exchange_users.address_for(url, organisation.code, password)
            write_key(folder / organisation.code, address)
    return folder


def _settings(engines: Engines) -> Mapping[str, str]:
    """Return the secret settings: where the engines are, and the broker's own keys."""
    return {
        "BROKER_DATABASE_URL": engines.application_url,
        "BROKER_WAKEUP_URL": engines.wakeup_url,
        "BROKER_EXCHANGE_URL": engines.exchange_url,
        "BROKER_CHILD_KEY": secrets.token_hex(32),
        "BROKER_SIGNING_KEY": new_private_key(),
    }


def _write_files(settings: Mapping[str, str], folder: Path) -> Mapping[str, Path]:
    """Write each setting into a file of its own, for commands that administer this broker."""
    files = {}
    for name, secret in settings.items():
        file = folder / name.removeprefix("BROKER_").replace("_", "-").lower()
        write_key(file, secret)
        files[f"{name}_FILE"] = file
    return files


def _start_services(
    children: Children, settings: Mapping[str, str], listener: socket.socket
) -> str:
    """Start gateway and worker and wait until the gateway says that it is ready."""
    fd = listener.fileno()
    children.start("gateway", [*BROKER, "serve", "--fd", str(fd)], environment=settings, fds=[fd])
    url = f"http://{HOST}:{listener.getsockname()[1]}"
    # The gateway alone holds it from here on, so that nobody is kept waiting when it has ended.
    listener.close()
    children.start("worker", [*BROKER, "worker"], environment=settings)
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
