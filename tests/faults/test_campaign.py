"""A short run on every change; `make faults SECONDS=600` is for the night."""

from pathlib import Path
from random import Random

import pytest

from tests.acceptance.stack import free_port
from tests.faults.__main__ import summary
from tests.faults.campaign import await_rest, run
from tests.faults.documents import PUBLISHERS
from tests.faults.journal import Journal
from tests.faults.publishing import MOST_LINES, MOST_UNANSWERED, Publisher
from tests.faults.schedule import Strike, plan
from tests.faults.strikes import FAULTS
from tests.faults.wire import Wire

SECONDS = 10
SEED = 4
LENGTHS = {name: fault.seconds for name, fault in FAULTS.items()}


def test_nothing_is_lost_under_fire(tmp_path: Path) -> None:
    result = run(SEED, SECONDS, folder=tmp_path)
    assert not result.findings, summary(result)
    assert len(result.journal.struck) == len(result.strikes)
    assert len(result.ledger.referrals) > 50
    assert any(answer.result == "recorded" for answer in result.journal.answered)
    assert any(offer.by == "queue" for offer in result.journal.offered)
    assert any(recall.status == 202 for recall in result.journal.recalled)
    assert result.journal.destroyed


@pytest.mark.proof
def test_all_workers_are_away_while_one_key_floods(tmp_path: Path) -> None:
    """Beside the campaign's traffic: ops have the alarm in time, and it ends by itself."""
    strikes = [
        Strike(1, "workers-away", 120, 1),
        *(Strike(at, "flood", 5, seed) for at, seed in ((5, 1), (15, 2), (25, 3), (35, 4))),
    ]
    result = run(1, 60, folder=tmp_path, strikes=strikes, reader_is_away=False)
    assert not result.findings, summary(result)
    assert len(result.journal.outages) == 1
    assert len(result.journal.floods) == 4
    assert {flood.kind for flood in result.journal.floods} == {"calls", "polls"}


def test_a_seed_gives_the_same_strikes_again_and_another_seed_gives_others() -> None:
    assert plan(7, 60, LENGTHS) == plan(7, 60, LENGTHS)
    assert plan(7, 60, LENGTHS) != plan(8, 60, LENGTHS)


def test_every_fault_strikes_before_any_strikes_twice() -> None:
    names = [strike.name for strike in plan(3, 600, LENGTHS)]
    assert set(names[: len(FAULTS)]) == set(FAULTS)
    assert len(names) > 3 * len(FAULTS)


def test_no_strike_outlasts_its_run() -> None:
    assert all(strike.at + strike.seconds <= 61 for strike in plan(5, 60, LENGTHS))


def test_the_bound_of_the_rest_follows_work_that_begins_meanwhile() -> None:
    journal, left, crowded = Journal(crowding=2), iter([["open"]] * 2 + [[]]), iter([5.0, 3.0])
    assert await_rest(journal, lambda: next(left), lambda: next(crowded)) == []
    assert journal.crowding == 5


def test_a_publisher_without_answers_hands_in_nothing_new_beyond_a_bound() -> None:
    """Nobody listens: every call is refused at once, as while gateways are away."""
    journal, dice, nobody = Journal(), Random(1), free_port()
    wire = Wire(PUBLISHERS[0], "key", lambda: [nobody], journal, dice)
    publisher = Publisher(PUBLISHERS[0], wire, dice, journal, "R")
    for _ in range(MOST_UNANSWERED):
        publisher.act()
    variants = {paper.variant for paper in journal.handed_in}
    assert MOST_UNANSWERED <= len(variants) < MOST_UNANSWERED + MOST_LINES
    for _ in range(20):
        publisher.act()
    assert {paper.variant for paper in journal.handed_in} == variants
