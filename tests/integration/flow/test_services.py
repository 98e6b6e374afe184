"""The threads of a worker, beside its tasks."""

from threading import Event, Thread

from broker.flow.context import Context
from broker.flow.silence_monitor import EVERY
from tests.conftest import eventually
from tests.rows import rows
from workers.services import monitoring_silence


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
