"""The feed: in whatever order transactions begin, write and end, a cursor skips no event."""

import psycopg
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule

from broker.domain.epoch import place_of
from broker.domain.event import Event
from broker.domain.ids import OrganisationCode
from tests.integration.ledger.conftest import NOW, SHROPSHIRE, Book
from tests.integration.models.conftest import explore

WRITERS = 3
_WRITE = """
insert into event (at, kind, publisher, referral, actor)
values (%s, 'referral.model', %s, %s, %s)
"""


class Feed(RuleBasedStateMachine):
    """Three writers whose transactions overlap as they like, and a reader with a cursor."""

    count = 0

    def __init__(self, book: Book) -> None:
        super().__init__()
        Feed.count += 1
        self.book = book
        self.publisher = OrganisationCode(f"model-{Feed.count}")
        self.referral = book.routed_to(SHROPSHIRE)
        self.writers = [psycopg.connect(book.dsn) for _ in range(WRITERS)]
        self.open: list[list[str]] = [[] for _ in range(WRITERS)]
        """What each writer has written and not committed, by the actors of its events."""
        self.committed: set[str] = set()
        self.read: list[str] = []
        self.numbers: list[int] = []
        self.written = 0
        self.cursor = ""

    @rule(writer=st.integers(0, WRITERS - 1))
    def write(self, writer: int) -> None:
        self.written += 1
        actor = f"model-{self.written}"
        about = (NOW, self.publisher, self.referral, actor)
        self.writers[writer].execute(_WRITE.encode(), about)
        self.open[writer].append(actor)

    @precondition(lambda self: any(self.open))
    @rule(data=st.data(), keep=st.sampled_from([True, True, True, False]))
    def end(self, data: st.DataObject, keep: bool) -> None:
        busy = [place for place, cursors in enumerate(self.open) if cursors]
        self._end(data.draw(st.sampled_from(busy)), keep)

    @rule(limit=st.integers(1, 3))
    def read_on(self, limit: int) -> None:
        events, self.cursor = self.book.ledger.queries.feed(
            self.publisher, after=self.cursor, limit=limit
        )
        self._take(events)
        assert set(self.read) <= self.committed

    def teardown(self) -> None:
        """When everybody has ended, the reader has had every event once, in order."""
        for place in range(WRITERS):
            self._end(place, keep=True)
            self.writers[place].close()
        assert self._has_read_all()
        assert len(self.read) == len(set(self.read))
        assert self.numbers == sorted(set(self.numbers))

    def _end(self, place: int, keep: bool) -> None:
        written, self.open[place] = self.open[place], []
        if keep:
            self.writers[place].commit()
            self.committed |= set(written)
        else:
            self.writers[place].rollback()

    def _has_read_all(self) -> bool:
        events, self.cursor = self.book.ledger.queries.feed(
            self.publisher, after=self.cursor, limit=100
        )
        self._take(events)
        return set(self.read) == self.committed

    def _take(self, events: list[Event]) -> None:
        self.read += [event.actor for event in events]
        places = [place_of(event.cursor) for event in events]
        self.numbers += [place.number for place in places if place]


def test_no_event_is_skipped_in_whatever_order_transactions_end(book: Book) -> None:
    explore(lambda: Feed(book))
