"""``broker demo``: everything at once, for a first look, and the sums at the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import islice
from uuid import UUID

import click
from referral_broker_client import Publisher

from broker.cli.exit_codes import DONE, FAILED
from broker.cli.interrupt import interruptible
from broker.cli.output import remark
from broker.cli.run.listening import listen
from broker.devstack.demo_progress import Progress, screen
from broker.devstack.demo_report import tell
from broker.devstack.evidence import Evidence, reckon
from broker.devstack.feed_tally import Board
from broker.devstack.rebase_times import at_present
from broker.devstack.sample_agencies import Agencies
from broker.devstack.sample_police import HandingIn
from broker.devstack.sample_referrals import generate, shipped
from broker.devstack.stack import HOST, Stack, running
from broker.domain.ids import ReferralId
from broker.domain.referral import ReferralStatus
from broker.ledger.ledger import Ledger

POLICE = "staffordshire-police"
LONGEST_SECONDS = 60.0
"""From the first referral on; what is not settled by then is told as a difference."""
FEED_SECONDS = 0.2
FEED_EVENTS = 500


@click.command()
@click.option("--count", default=500, show_default=True, type=click.IntRange(1, 5000))
@click.option("--seed", default=1, show_default=True, help="Which referrals are generated.")
def demo(count: int, seed: int) -> int:
    """Run everything with sample agencies, and check the sums.

    Starts a private broker, hands in the shipped samples and COUNT generated referrals, lets
    sample agencies collect and answer them, and ends by itself. The last line is JSON. The exit
    code is 0 only if every count adds up against the ledger.
    """
    began = time.monotonic()
    with interruptible(), running(remark, listen(HOST, 0)) as stack:
        agencies = Agencies(stack)
        remark(f"Starting {agencies.count} sample agencies in two processes")
        agencies.start()
        with Publisher(stack.url, stack.key(POLICE)) as police:
            now = datetime.now(UTC)
            samples = [at_present(sample, now=now) for _, sample in shipped()]
            handing_in = HandingIn(police, samples, list(generate(seed, count, now=now)))
            board = _follow(handing_in, stack)
            agencies.stop()
            board.note(police.events(after=board.cursor))
            evidence = Evidence(
                results=handing_in.results,
                repeats=handing_in.repeats,
                ledger=_everything(stack.ledger, board, handing_in),
                refusals=len(stack.ledger.queries.refusals(None, limit=handing_in.total)),
                notes=agencies.notes(),
                feed=board,
            )
            reckoning = reckon(evidence)
            tell(evidence, reckoning, stack.names, police, seconds=time.monotonic() - began)
    return FAILED if reckoning.differences else DONE


def _follow(handing_in: HandingIn, stack: Stack) -> Board:
    """Hand in, and follow the police's feed until everything is settled, or the time is up."""
    board, began = Board(), time.monotonic()
    handing_in.start()
    with screen(stack.names) as show:
        while (seconds := time.monotonic() - began) < LONGEST_SECONDS:
            _look(handing_in, stack, board)
            show.show(Progress(seconds, len(handing_in.results), handing_in.total, board))
            if handing_in.is_done and board.is_settled(handing_in.accepted):
                break
    return board


def _look(handing_in: HandingIn, stack: Stack, board: Board) -> None:
    feed = handing_in.publisher.events(after=board.cursor, wait=FEED_SECONDS)
    board.note(islice(feed, FEED_EVENTS))
    stack.children.check()


def _everything(ledger: Ledger, board: Board, handing_in: HandingIn) -> Sequence[ReferralStatus]:
    """Read from the ledger itself whatever anybody has heard of."""
    receipts = {result.receipt.id for result in handing_in.results if result.receipt}
    found = (
        ledger.queries.referral(None, id=ReferralId(UUID(id_)))
        for id_ in sorted(receipts | board.referrals.keys())
    )
    return [referral for referral in found if referral is not None]
