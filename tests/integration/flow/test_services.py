"""The threads of a worker, beside its tasks."""

from threading import Event, Thread

import pytest

from broker.flow.context import Context
from broker.flow.policy_cache import PolicyCache
from broker.flow.silence_monitor import EVERY
from broker.flow.sweep import EVERY as SWEEP_EVERY
from tests.conftest import eventually
from tests.rows import rows
from workers import services
from workers.services import monitoring_silence, sweeping


def test_a_worker_that_starts_looks_for_silence_at_once(context: Context) -> None:
    """Else the first page says for half a minute that nobody does."""
    stopping = Event()
    thread = Thread(target=monitoring_silence, args=(context, stopping))
    thread.start()
    try:
        leads = "select count(*) from lead where name = 'silence'"
        within = EVERY.total_seconds() / 2
        assert eventually(lambda: rows(context, leads) == [(1,)], within=within)
    finally:
        stopping.set()
        thread.join(10)


class Pauses(Event):
    """Notes how long a service waits, and ends it after some waits."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.seconds: list[float | None] = []
        self._count = count

    def wait(self, timeout: float | None = None) -> bool:
        self.seconds.append(timeout)
        return len(self.seconds) == self._count


def test_a_worker_that_starts_sweeps_at_once(context: Context) -> None:
    """Work may have waited for a worker, and its wake-up may be lost."""
    pauses = Pauses(3)
    sweeping(context, pauses)
    assert pauses.seconds == [0, *[SWEEP_EVERY.total_seconds()] * 2]


def test_the_services_share_one_policy_cache(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of its own would hold a national directory again."""
    seen: list[PolicyCache] = []

    def look(context: Context, stopping: Event) -> None:
        seen.append(context.policies)
        stopping.wait()

    kinds = ("sweeping", "watching", "notifying", "monitoring_silence", "checking_version")
    for kind in kinds:
        monkeypatch.setattr(services, kind, look)
    monkeypatch.setattr(services, "read_settings", lambda: context.settings)
    with services.running(context.policies):
        eventually(lambda: len(seen) == len(kinds))
    assert all(policies is context.policies for policies in seen)
