"""What every test may ask for: real engines, and a broker on a database of its own."""

import asyncio
import gc
import itertools
import os
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Generator, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import hypothesis
import psycopg
import pytest
from starlette.testclient import TestClient

from broker import telemetry
from broker.admin.api_keys import issue
from broker.admin.publish_policy import publish
from broker.bootstrap import new_uuid7, open_broker
from broker.channels.registry import CHANNELS
from broker.devstack.engines import Engines, as_application
from broker.domain.channel import ChannelForms
from broker.domain.codes import Scope
from broker.domain.ids import OrganisationCode
from broker.flow import dispatch, policy_cache, route
from broker.flow.context import Context
from broker.flow.health_watch import HealthWatch
from broker.ledger.ledger import Ledger
from broker.ledger.migrate import migrate
from broker.policy.published.policy import Policy, documents_from, load
from broker.serving import build
from broker.settings import Settings
from broker.transport.signatures import new_private_key
from tests.one_connection import one_connection, second_connections
from tests.skips import pytest_runtest_makereport

__all__ = ["one_connection", "pytest_runtest_makereport", "second_connections"]

ROOT = Path(__file__).parent.parent
POLICIES = ROOT / "policies" / "england"
PATIENCE_SECONDS = 60.0
"""How long a test waits for what should come at once: long, since the machine may be busy."""
MEMORY = Path("/dev/shm")
ROOM_IN_MEMORY = 6 * 2**30
"""Free bytes that are enough for the databases of every process of a run."""
CHILD_KEY = bytes(range(32))
SIGNING_KEY = new_private_key()
"""The private key with which the broker of every test signs copies in queues."""
_numbers = itertools.count()
T = TypeVar("T")

# How long an example takes says more about the machine than about the code.
hypothesis.settings.register_profile("any machine", deadline=None)
QUICK, FEW_EXAMPLES = "quick", 20
hypothesis.settings.register_profile(QUICK, deadline=None, max_examples=FEW_EXAMPLES)
hypothesis.settings.load_profile("any machine")


def examples(count: int, **options: Any) -> hypothesis.settings:
    """Return settings for a test with so many examples; ``make quick`` tries only a few."""
    is_quick = hypothesis.settings.get_current_profile_name() == QUICK
    most = min(count, FEW_EXAMPLES) if is_quick else count
    return hypothesis.settings(max_examples=most, **options)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Keep the collector of cycles off the tests: they live as long as the process.

    It would go through all of them again and again, which takes a fifth of the reading of tests.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.collect()
        gc.freeze()


class FixedClock:
    """A clock that stops until it is moved."""

    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def set(self, text: str) -> None:
        """Stand at an instant with an offset, such as ``2026-12-18T16:50+00:00``."""
        self.now = datetime.fromisoformat(text).astimezone(UTC)

    def advance(self, **how_far: float) -> None:
        """Move on by so many ``hours=``, ``minutes=``, ``seconds=`` or ``days=``."""
        self.now += timedelta(**how_far)


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder of a path so short that a socket below it has one; every account may enter it.

    pytest's own folders are closed again by whatever run of pytest comes next.
    """
    with tempfile.TemporaryDirectory(prefix="t-", dir="/tmp") as folder:
        Path(folder).chmod(0o711)
        yield Path(folder)


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """A private PostgreSQL and two Valkeys, started once for the whole run."""
    with pytest.MonkeyPatch.context() as patch:
        if has_room_in_memory():
            patch.setattr(tempfile, "tempdir", str(MEMORY))
        engines = Engines(durable=False)
    with engines:
        yield engines


def has_room_in_memory() -> bool:
    """Tell whether databases and programs can lie in memory: a database is half the work there."""
    try:
        room = os.statvfs(MEMORY)
    except OSError:
        return False
    free = room.f_bavail * room.f_frsize
    return free >= ROOM_IN_MEMORY and not room.f_flag & os.ST_NOEXEC


@pytest.fixture(scope="session")
def administer(engines: Engines) -> Iterator[Callable[[str], None]]:
    """Run a statement as the administrator of PostgreSQL, on one connection for all tests."""
    with psycopg.connect(engines.database_url, autocommit=True) as connection:
        yield lambda statement: connection.execute(statement.encode(), prepare=False)


@pytest.fixture(scope="session")
def template(engines: Engines, administer: Callable[[str], None]) -> str:
    """The name of a database with the ledger's tables, the shipped policy and its directory."""
    name = "template_of_tests"
    administer(f"create database {name}")
    dsn = _dsn(engines, name)
    migrate(dsn)
    with Ledger.open(dsn, application_name="tests") as ledger:
        publish(
            ledger,
            documents_from(POLICIES),
            now=datetime(2026, 1, 1, tzinfo=UTC),
            channels=CHANNELS.forms,
        )
    return name


@pytest.fixture
def dsn(engines: Engines, template: str, administer: Callable[[str], None]) -> Iterator[str]:
    """A database of its own for each test, migrated, with the shipped policy; for its owner."""
    name = f"test_{next(_numbers)}"
    administer(f"create database {name} template {template} strategy file_copy")
    yield _dsn(engines, name)
    administer(f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def book() -> Policy:
    """The shipped policy."""
    return load(documents_from(POLICIES), version="shipped", channels=CHANNELS.forms)


@pytest.fixture(autouse=True, scope="session")
def read_once() -> Iterator[None]:
    """Read each published policy once in a run; tests publish what the template has, in copies."""
    read: dict[tuple[str, tuple[tuple[str, str], ...]], Policy] = {}

    def load_once(
        documents: Mapping[str, str], *, version: str, channels: ChannelForms, **directory: Any
    ) -> Policy:
        key = (version, tuple(sorted(documents.items())))
        if channels != CHANNELS.forms or directory:
            return load(documents, version=version, channels=channels, **directory)
        if key not in read:
            read[key] = load(documents, version=version, channels=channels)
        return read[key]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(policy_cache, "load", load_once)
        yield


@pytest.fixture
def clock() -> FixedClock:
    """A Wednesday at ten, after every sample's date, when every office is open."""
    return FixedClock(datetime(2027, 4, 7, 9, 0, tzinfo=UTC))


@pytest.fixture
def settings(dsn: str, engines: Engines) -> Settings:
    """Settings for the private engines; the ledger is opened as the application's role."""
    declared = {"BROKER_SIGNING_KEY": SIGNING_KEY}
    url = as_application(dsn)
    return Settings(
        url,
        engines.wakeup_url,
        engines.exchange_url,
        child_key=CHILD_KEY,
        declared=declared,
    )


@pytest.fixture
def context(settings: Settings, clock: FixedClock, engines: Engines) -> Iterator[Context]:
    """A broker whose clock is stopped; nothing runs in it but what a test runs."""
    engines.wakeup.wipe()
    engines.exchange.wipe()
    with open_broker(settings, process="tests", clock=clock, new_id=new_uuid7) as opened:
        yield opened


@pytest.fixture
def client(context: Context) -> Iterator[TestClient]:
    """The gateway, in this process; it measures its health anew whenever it is asked."""
    health = HealthWatch(context, age=timedelta(0))
    with TestClient(build(context, health=health), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def key(context: Context) -> Callable[..., dict[str, str]]:
    """Give an organisation a key: ``key("stoke-csc", "collect")`` returns request headers."""

    def make(organisation: str, *scopes: str) -> dict[str, str]:
        found = issue(
            context.ledger,
            OrganisationCode(organisation),
            [Scope(scope) for scope in scopes],
            label="test",
            now=context.clock(),
        )
        return {"Authorization": f"Bearer {found}"}

    return make


@pytest.fixture
def drain(context: Context) -> Callable[[], None]:
    """Do everything that waits for a worker, here and now."""

    def all_lanes() -> None:
        route.drain(context)
        dispatch.drain(context)

    return all_lanes


@pytest.fixture
def log_from() -> Iterator[Callable[[str], None]]:
    """Log from a level on, ``log_from("info")``; after the test troubles alone again."""
    yield partial(telemetry.configure, is_final=False)
    telemetry.configure("warning", is_final=False)


def ends(action: Callable[[], object]) -> bool:
    """Tell whether an action ends by itself, however slow the machine is."""
    thread = threading.Thread(target=action, daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    return not thread.is_alive()


def eventually(check: Callable[[], T], within: float = PATIENCE_SECONDS) -> T:
    """Return the first true value of a check that is asked again and again."""
    until = time.monotonic() + within
    while not (found := check()):
        if time.monotonic() > until:
            raise AssertionError(f"It did not come true within {within:g} s.")
        time.sleep(0.02)
    return found


def in_a_loop(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a thread of its own, and return its result.

    A browser that other tests of this process use leaves its loop running in the main thread.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def _dsn(engines: Engines, database: str) -> str:
    return engines.database_url.replace("/postgres?", f"/{database}?")
