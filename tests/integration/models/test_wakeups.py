"""Wake-ups: however commits, tokens and workers interleave, nothing committed is left lying."""

import itertools

from hypothesis.stateful import RuleBasedStateMachine, precondition, rule
from redis import Redis
from uuid_utils.compat import uuid7

from broker.devstack.engines import Engines
from broker.transport.wakeups import KEY_PREFIX, Wakeups
from tests.integration.ledger.conftest import NOW, SHROPSHIRE, Book
from tests.integration.models.conftest import explore

LANE = "route"
_numbers = itertools.count()


class Protocol(RuleBasedStateMachine):
    """The steps of the protocol one by one, on a real ledger and a real Valkey."""

    def __init__(self, book: Book, url: str) -> None:
        super().__init__()
        self.book = book
        self.url = url
        self.valkey = Redis.from_url(url)
        self.valkey.flushall()
        self.unannounced = 0
        """Commits whose wake-up has not been asked for yet."""
        self.started = 0
        """Workers with a message, before they take the token."""
        self.ready = 0
        """Workers that have taken the token, before their first SELECT."""
        self.lost = False
        """Whether a message or a worker was lost: then only a sweep helps."""

    @rule()
    def commit(self) -> None:
        self.book.accept(f"wakeup-{next(_numbers)}")
        self.unannounced += 1

    @precondition(lambda self: self.unannounced)
    @rule()
    def announce(self) -> None:
        wakeups = Wakeups(self.url, new_id=uuid7)
        wakeups.notify(LANE)
        wakeups.close()
        self.unannounced -= 1

    @rule()
    def start(self) -> None:
        """A worker takes a message, if there is one."""
        self.started += self.valkey.rpop(f"{KEY_PREFIX}{LANE}") is not None

    @precondition(lambda self: self.started)
    @rule()
    def take_token(self) -> None:
        wakeups = Wakeups(self.url, new_id=uuid7)
        wakeups.clear(LANE)
        wakeups.close()
        self.started, self.ready = self.started - 1, self.ready + 1

    @precondition(lambda self: self.ready)
    @rule()
    def drain(self) -> None:
        self.book.route(SHROPSHIRE)
        self.ready -= 1

    @precondition(lambda self: self.started + self.ready)
    @rule()
    def crash(self) -> None:
        """A worker dies where it is."""
        self.lost = True
        if self.ready:
            self.ready -= 1
        else:
            self.started -= 1

    @rule()
    def wipe(self) -> None:
        """Valkey forgets everything."""
        self.lost = True
        self.valkey.flushall()

    @rule()
    def sweep(self) -> None:
        if self.book.ledger.sweep.due(now=NOW).route:
            self.book.route(SHROPSHIRE)

    def teardown(self) -> None:
        """Let everybody finish: now nothing waits, or a sweep is known to be needed, and helps."""
        while self.unannounced:
            self.announce()
        while True:
            self.start()
            if not self.started + self.ready:
                break
            while self.started:
                self.take_token()
            while self.ready:
                self.drain()
        if self.lost:
            self.sweep()
        self.valkey.close()
        assert self.book.look("select id from referral where state = 'accepted'") == []


def test_nothing_committed_is_left_lying(book: Book, engines: Engines) -> None:
    engines.wakeup.start()
    explore(lambda: Protocol(book, engines.wakeup_url))
