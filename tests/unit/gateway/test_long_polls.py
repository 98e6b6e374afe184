"""Long polls look at the ledger only when a transaction has ended."""

from types import SimpleNamespace
from typing import Any, cast

from broker.flow.context import Context
from broker.gateway.long_polls import Poller
from broker.gateway.shares import Shares


class Queries:
    """A ledger in which something happens when a test says so, and which counts its reads."""

    def __init__(self) -> None:
        self.text, self.reads, self.with_work = "1:1:", 0, set[str]()

    def snapshot(self) -> str:
        return self.text

    def waiting(self, agencies: Any) -> set[str]:
        self.reads += 1
        return self.with_work & set(agencies)

    def feed(self, publisher: str, *, after: str, limit: int) -> tuple[list[Any], str]:
        self.reads += 1
        return [], after


def test_nothing_is_read_until_a_transaction_has_ended() -> None:
    queries = Queries()
    context = cast("Context", SimpleNamespace(ledger=SimpleNamespace(queries=queries)))
    poller = Poller(context, Shares())
    waiting = {
        "work": ["stoke-csc"],
        "news": [("staffordshire-police", f"cursor {number}") for number in range(50)],
    }
    begun = {("work", "stoke-csc"), ("news", waiting["news"][0])}
    assert poller._look(waiting, begun) == []
    assert queries.reads == 3  # of one publisher's cursors, the first and the last
    for _ in range(10):
        poller._look(waiting, ())
    assert queries.reads == 3
    poller._look(waiting, {("work", "stoke-csc")})  # one more that waits for the same
    assert queries.reads == 4
    queries.text, queries.with_work = "1:2:", {"stoke-csc"}
    assert poller._look(waiting, ()) == [("work", "stoke-csc")]
    assert queries.reads == 7
