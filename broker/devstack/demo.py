"""``broker demo``: runs a whole broker with sample agencies, and checks the counts."""

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
from broker.devstack.comparison import Evidence, compare
from broker.devstack.demo_progress import Progress, open_display
from broker.devstack.demo_report import print_report
from broker.devstack.feed_tally import FeedTally
from broker.devstack.rebase_times import rebase
from broker.devstack.sample_agencies import SampleAgencies
from broker.devstack.sample_police import Submission
from broker.devstack.sample_referrals import generate, shipped
from broker.devstack.stack import HOST, Stack, running
from broker.domain.ids import ReferralId
from broker.domain.referral import ReferralStatus
from broker.ledger.ledger import Ledger

POLICE = "staffordshire-police"
LONGEST_SECONDS = 60.0
"""From the first referral on; what is not settled by then is reported as a difference."""
FEED_SECONDS = 0.2
FEED_EVENTS = 500


@click.command()
@click.option("--count", default=500, show_default=True, type=click.IntRange(1, 5000))
@click.option("--seed", default=1, show_default=True, help="Which referrals are generated.")
def demo(count: int, seed: int) -> int:
    """Run everything with sample agencies, and check the counts.

    Starts a private broker, publishes the shipped samples and COUNT generated referrals, lets
    sample agencies collect and answer them, and ends by itself. The last line is JSON. The exit
    code is 0 only if every count adds up against the ledger.
    """
    began = time.monotonic()
    with interruptible(), running(remark, listen(HOST, 0)) as stack:
        agencies = SampleAgencies(stack)
        remark(f"Starting {agencies.count} sample agencies in two processes")
        agencies.start()
        with Publisher(stack.url, stack.key(POLICE)) as police:
            now = datetime.now(UTC)
            samples = [rebase(sample, now=now) for _, sample in shipped()]
            submission = Submission(police, samples, list(generate(seed, count, now=now)))
            tally = _follow(submission, stack)
            agencies.stop()
            tally.add(police.events(after=tally.cursor))
            evidence = Evidence(
                results=submission.results,
                repeats=submission.repeats,
                ledger=_ledger_rows(stack.ledger, tally, submission),
                refusals=len(stack.ledger.queries.refusals(None, limit=submission.total)),
                notes=agencies.notes(),
                feed=tally,
            )
            comparison = compare(evidence)
            print_report(
                evidence, comparison, stack.names, police, seconds=time.monotonic() - began
            )
    return FAILED if comparison.differences else DONE


def _follow(submission: Submission, stack: Stack) -> FeedTally:
    """Publish, and follow the police's feed until everything is settled, or the time is up."""
    tally, began = FeedTally(), time.monotonic()
    submission.start()
    with open_display(stack.names) as display:
        while (seconds := time.monotonic() - began) < LONGEST_SECONDS:
            _update(submission, stack, tally)
            display.show(Progress(seconds, len(submission.results), submission.total, tally))
            if submission.is_done and tally.is_settled(submission.accepted):
                break
    return tally


def _update(submission: Submission, stack: Stack, tally: FeedTally) -> None:
    feed = submission.publisher.events(after=tally.cursor, wait=FEED_SECONDS)
    tally.add(islice(feed, FEED_EVENTS))
    stack.children.check()


def _ledger_rows(
    ledger: Ledger, tally: FeedTally, submission: Submission
) -> Sequence[ReferralStatus]:
    """Read from the ledger every referral that has a receipt or is in the feed."""
    receipts = {result.receipt.id for result in submission.results if result.receipt}
    statuses = (
        ledger.queries.referral(None, id=ReferralId(UUID(id_)))
        for id_ in sorted(receipts | tally.referrals.keys())
    )
    return [status for status in statuses if status is not None]
