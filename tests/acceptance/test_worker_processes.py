"""A worker's first processes are copies of it; what replaces one is a fresh interpreter."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from broker.admin.publish_policy import publish
from broker.bootstrap import open_broker
from broker.channels.registry import CHANNELS
from broker.devstack.engines import Engines
from broker.domain.ids import OrganisationCode, ReferralId
from broker.domain.referral import NewReferral
from broker.flow.accept import accept
from broker.flow.context import Context
from broker.policy.published.policy import documents_from
from broker.settings import Settings
from schemas import documents
from tests.acceptance.conftest import sample
from tests.acceptance.stack import START_SECONDS, Stack
from tests.conftest import POLICIES, eventually
from tests.rows import rows

pytestmark = pytest.mark.thorough
PROCESSES = 2


@dataclass(frozen=True, slots=True)
class Process:
    """A process of the worker under test."""

    pid: int

    @property
    def is_fresh(self) -> bool:
        """Whether it is an interpreter of its own: its command is no longer the worker's."""
        return b"spawn_main" in self._folder.joinpath("cmdline").read_bytes()

    def sockets(self) -> set[str]:
        """Return its sockets, by what the kernel calls them."""
        names = set()
        for descriptor in self._folder.joinpath("fd").iterdir():
            with suppress(FileNotFoundError):
                names.add(str(descriptor.readlink()))
        return {name for name in names if name.startswith("socket:")}

    def kill(self) -> None:
        os.kill(self.pid, signal.SIGKILL)

    @property
    def _folder(self) -> Path:
        return Path(f"/proc/{self.pid}")


class Worker:
    """One worker without a gateway, and what a test does to it."""

    def __init__(self, stack: Stack, context: Context) -> None:
        self.context = context
        self._process = stack.start_worker()
        stack.workers.append(self._process)

    @property
    def parent(self) -> Process:
        return Process(self._process.pid)

    def processes(self) -> list[Process]:
        """Return the processes that run tasks; billiard's own helper is none of them."""
        folder = Path(f"/proc/{self._process.pid}/task/{self._process.pid}")
        pids = [int(pid) for pid in folder.joinpath("children").read_text().split()]
        return [Process(pid) for pid in pids if b"semaphore_tracker" not in _command(pid)]

    def ready(self) -> list[Process]:
        """Return the processes once all are there and have connections of their own."""

        def connected() -> list[Process]:
            processes = self.processes()
            with suppress(OSError):
                if len(processes) == PROCESSES and all(each.sockets() for each in processes):
                    return processes
            return []

        return eventually(connected, within=START_SECONDS)

    def route(self) -> str:
        """Have a referral routed and return by which version of the policy."""
        body = json.dumps(sample(1) | {"reference": f"R-{uuid4()}"}).encode()
        new = NewReferral(
            id=ReferralId(self.context.new_id()),
            publisher=OrganisationCode("staffordshire-police"),
            reference=json.loads(body)["reference"],
            idempotency_key=None,
            digest=documents.read(body).digest,
            body=body,
            accepted_at=self.context.clock(),
            actor="test",
        )
        accept(self.context, [new])
        routed = "select policy_version from referral where id = %s and state = 'routed'"
        ((version,),) = eventually(lambda: rows(self.context, routed, new.id), within=START_SECONDS)
        return str(version)


def _command(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


@pytest.fixture
def worker(engines: Engines, dsn: str, settings: Settings, tmp_path: Path) -> Iterator[Worker]:
    engines.wakeup.wipe()
    stack = Stack(engines, dsn, tmp_path)
    try:
        with open_broker(settings, process="tests") as context:
            yield Worker(stack, context)
    finally:
        stack.close()


def test_the_first_processes_are_copies_that_share_no_connection(worker: Worker) -> None:
    first, second = worker.ready()
    assert not first.is_fresh
    assert not second.is_fresh
    connections = [process.sockets() for process in (worker.parent, first, second)]
    assert len(set.union(*connections)) == sum(map(len, connections))


def test_a_fresh_interpreter_takes_the_place_of_a_killed_process_and_routes(
    worker: Worker,
) -> None:
    worker.route()  # Celery ends a worker that loses a process before it takes messages
    killed = worker.ready()
    for process in killed:
        process.kill()
    eventually(
        lambda: not {each.pid for each in killed} & {each.pid for each in worker.processes()}
    )
    assert all(process.is_fresh for process in worker.ready())
    assert worker.route()


def test_copies_route_by_a_policy_that_was_published_after_they_began(worker: Worker) -> None:
    before = worker.route()
    assert not any(process.is_fresh for process in worker.ready())
    documents = dict(documents_from(POLICIES))
    documents["directory.yaml"] += "\n# The same under another version.\n"
    published = publish(
        worker.context.ledger, documents, now=datetime.now(UTC), channels=CHANNELS.forms
    )
    assert published != before
    eventually(lambda: worker.route() == published)
