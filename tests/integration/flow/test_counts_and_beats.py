"""What organisations do is counted once, and what proves that somebody works is written in time."""

from datetime import datetime, timedelta

import pytest

from broker.domain.ids import OrganisationCode
from broker.errors import Unavailable
from broker.flow import activity_counter
from broker.flow.activity_counter import POLLED, SENT, ActivityCounter
from broker.flow.context import Context
from broker.flow.epoch_cache import REFRESH_SECONDS, EpochCache
from broker.flow.lane_beats import EVERY, FOR, LaneBeat
from broker.ledger.ledger import Ledger
from tests.conftest import FixedClock
from tests.rows import rows

STOKE, POLICE = OrganisationCode("stoke-csc"), OrganisationCode("staffordshire-police")
TRAFFIC = "select activity, hour, organisation, count from traffic order by 1, 2, 3"
PRESENCE = "select organisation, activity, last_at from presence order by 1, 2"
NOWHERE = "postgresql://nobody@127.0.0.1:1/none?connect_timeout=1"


def test_counts_are_written_once_by_the_hour(context: Context, clock: FixedClock) -> None:
    counter, ten = ActivityCounter(context.ledger, clock), clock.now
    counter.note(STOKE, POLLED)
    clock.advance(minutes=20)
    counter.note(STOKE, POLLED, 2)
    counter.note(POLICE, SENT, 5)
    counter.note(POLICE, SENT, 0)
    counter.note(POLICE, POLLED, -1)
    clock.advance(minutes=50)
    counter.note(STOKE, POLLED)
    counter.flush()
    counter.flush()
    hour = timedelta(hours=1)
    assert rows(context, TRAFFIC) == [
        (POLLED, ten, STOKE, 3),
        (POLLED, ten + hour, STOKE, 1),
        (SENT, ten, POLICE, 5),
    ]
    assert rows(context, PRESENCE) == [
        (POLICE, SENT, ten + timedelta(minutes=20)),
        (STOKE, POLLED, ten + timedelta(minutes=70)),
    ]


def test_a_clock_that_steps_back_makes_nobody_less_present(
    context: Context, clock: FixedClock
) -> None:
    counter, latest = ActivityCounter(context.ledger, clock), clock.now
    counter.note(STOKE, POLLED)
    clock.advance(seconds=-30)
    counter.note(STOKE, POLLED)
    counter.flush()
    assert rows(context, PRESENCE) == [(STOKE, POLLED, latest)]


def test_counts_are_kept_while_the_ledger_is_away_up_to_a_bound(
    context: Context, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity_counter, "MOST_COUNTS", 2)
    with Ledger.open(NOWHERE, application_name="tests") as away:
        counter, at = ActivityCounter(away, clock), clock.now
        counter.note(STOKE, POLLED)
        with pytest.raises(Unavailable):
            counter.flush()
        counter.note(STOKE, POLLED, 2)
        counter.note(POLICE, SENT)
        counter.note(POLICE, POLLED)
        counter.note(POLICE, SENT)
        with pytest.raises(Unavailable):
            counter.flush()
    counter._ledger = context.ledger
    counter.flush()
    assert rows(context, TRAFFIC) == [
        (POLLED, hour_of(at), STOKE, 3),
        (SENT, hour_of(at), POLICE, 2),
    ]
    assert rows(context, PRESENCE) == [(POLICE, SENT, at), (STOKE, POLLED, at)]


def hour_of(instant: datetime) -> datetime:
    return instant.replace(minute=0, second=0, microsecond=0)


@pytest.mark.parametrize(
    ("later", "moved"),
    [
        (timedelta(seconds=4), False),
        (EVERY, True),
        (timedelta(seconds=-1), True),
        (timedelta(0), False),
    ],
)
def test_a_beat_is_written_every_five_seconds_or_when_the_clock_steps_back(
    context: Context, clock: FixedClock, later: timedelta, moved: bool
) -> None:
    beat, began = LaneBeat(context, "watch", "one"), clock.now
    beat.show()
    clock.now += later
    beat.show()
    until = (clock.now if moved else began) + FOR
    lead = "select holder, until from lead where name = 'watch'"
    assert rows(context, lead) == [("one", until)]


def test_a_new_epoch_is_known_after_the_time_of_the_cache(context: Context) -> None:
    now = [100.0]
    cache = EpochCache(context.ledger, monotonic=lambda: now[0])
    (first,) = cache.epochs()
    assert cache.quarantine() is None
    context.ledger.epochs.begin(by="ops", restored_to=None)
    now[0] += REFRESH_SECONDS - 0.01
    assert cache.epochs() == [first]
    now[0] += 0.01
    assert len(cache.epochs()) == 2
    assert cache.epochs()[0].id == first.id
    present = cache.quarantine()
    assert present is not None
    assert present.id == cache.epochs()[-1].id
    other = cache.reading(context.ledger)
    context.ledger.epochs.confirm(by="ops")
    assert other.quarantine() == present
    now[0] += REFRESH_SECONDS
    assert other.quarantine() is None
