"""Compares what the demo published with the ledger, the agencies' notes and the feed.

The three sources are independent: the ledger, what each agency noted when it received a delivery,
and the feed of the police. They must agree on every referral and every delivery.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from referral_broker_client import Published, Receipt

from broker.devstack.feed_tally import FeedTally
from broker.domain.codes import Milestone
from broker.domain.delivery import DeliveryStatus
from broker.domain.referral import ReferralStatus
from broker.domain.states import DeliveryState, ReferralState

ACCEPTED_STATES = frozenset({ReferralState.ROUTED, ReferralState.CLOSED, ReferralState.UNROUTABLE})
NOT_FETCHED = frozenset(
    {
        DeliveryState.HELD,
        DeliveryState.UNDELIVERABLE,
        DeliveryState.RECALLED,
        DeliveryState.HANDED_OVER,
    }
)
"""States in which no agency has to have received the delivery."""

PROHIBITED = "prohibited-content"

Notes = Mapping[str, frozenset[str]]
"""The ids of the deliveries that each agency noted."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the independent sources hold."""

    results: Sequence[Published]
    """One for each distinct document that was published."""
    repeats: Sequence[tuple[Receipt, Receipt]]
    """First and second receipt of each document that was published twice."""
    ledger: Sequence[ReferralStatus]
    """The ledger's rows of every referral of this publisher."""
    refusals: int
    """How many documents the ledger records as rejected for their content and not stored."""
    notes: Notes
    feed: FeedTally


@dataclass(frozen=True, slots=True)
class Comparison:
    """The counts, and every difference between the sources."""

    published: int
    accepted: int
    rejected: int
    refused: int
    """Those of the rejected that were not stored."""
    unroutable: int
    deliveries: int
    collected: int
    acknowledged: int
    decided: int
    lost: int
    states: Mapping[str, int]
    differences: Sequence[str]


def compare(evidence: Evidence) -> Comparison:
    """Count everything and compare the sources."""
    deliveries = [delivery for referral in evidence.ledger for delivery in referral.deliveries]
    states = Counter(referral.state for referral in evidence.ledger)
    refused = sum(result.problem is not None for result in evidence.results)
    return Comparison(
        published=len(evidence.results),
        accepted=sum(states[state] for state in ACCEPTED_STATES),
        rejected=refused + states[ReferralState.REJECTED],
        refused=refused,
        unroutable=states[ReferralState.UNROUTABLE],
        deliveries=len(deliveries),
        collected=_met(deliveries, Milestone.COLLECT),
        acknowledged=_met(deliveries, Milestone.ACKNOWLEDGE),
        decided=_met(deliveries, Milestone.DECIDE),
        lost=len(_lost(evidence)),
        states=Counter(str(delivery.state) for delivery in deliveries),
        differences=list(_differences(evidence, deliveries)),
    )


def _met(deliveries: Sequence[DeliveryStatus], milestone: Milestone) -> int:
    return sum(milestone in delivery.met for delivery in deliveries)


def _lost(evidence: Evidence) -> Sequence[str]:
    """Name every referral and delivery that was promised and is missing."""
    return [*_missing(evidence), *_stuck(evidence), *_unfetched(evidence)]


def _missing(evidence: Evidence) -> Iterator[str]:
    """Receipts of referrals that the ledger does not hold, or holds with other content."""
    held = {(str(referral.id), referral.digest.hex()) for referral in evidence.ledger}
    for result in evidence.results:
        receipt = result.receipt
        if receipt is not None and (receipt.id, receipt.digest) not in held:
            yield f"referral {receipt.reference}: a receipt, but not in the ledger as accepted"


def _stuck(evidence: Evidence) -> Iterator[str]:
    """Referrals that were accepted and not routed."""
    for referral in evidence.ledger:
        if referral.state is ReferralState.ACCEPTED:
            yield f"referral {referral.reference}: accepted and not routed"


def _unfetched(evidence: Evidence) -> Iterator[str]:
    """Deliveries that their agency never received."""
    for referral in evidence.ledger:
        for delivery in referral.deliveries:
            noted = evidence.notes.get(delivery.agency, frozenset())
            if delivery.state not in NOT_FETCHED and str(delivery.id) not in noted:
                state, agency = delivery.state, delivery.agency
                yield f"delivery {delivery.id}: {state}, but {agency} never received it"


def _differences(evidence: Evidence, deliveries: Sequence[DeliveryStatus]) -> Iterator[str]:
    yield from _lost(evidence)
    yield from _unmatched(evidence)
    yield from _unrecorded_rejections(evidence)
    yield from _duplicated(evidence)
    yield from _misdelivered(evidence, deliveries)
    yield from _unfinished(deliveries)
    yield from _feed_differences(evidence, deliveries)


def _unmatched(evidence: Evidence) -> Iterator[str]:
    """Every document was rejected and not stored, or is in the ledger under its receipt."""
    receipts = sum(result.receipt is not None for result in evidence.results)
    if receipts != len(evidence.ledger):
        yield f"{receipts} receipts, but {len(evidence.ledger)} referrals in the ledger"


def _unrecorded_rejections(evidence: Evidence) -> Iterator[str]:
    """The ledger records digest, size and reason of a document that it may not store."""
    problems = [result.problem for result in evidence.results if result.problem]
    rejected = sum(problem.code == PROHIBITED for problem in problems)
    if rejected != evidence.refusals:
        yield f"{rejected} rejected for their content, but the ledger records {evidence.refusals}"


def _duplicated(evidence: Evidence) -> Iterator[str]:
    """A document that is published again gets the receipt of the first time."""
    for first, second in evidence.repeats:
        if not second.duplicate or (first.id, first.digest) != (second.id, second.digest):
            yield f"referral {first.reference}: published twice, two different receipts"


def _misdelivered(evidence: Evidence, deliveries: Sequence[DeliveryStatus]) -> Iterator[str]:
    """An agency received only its own deliveries."""
    intended: dict[str, set[str]] = {}
    for delivery in deliveries:
        intended.setdefault(delivery.agency, set()).add(str(delivery.id))
    for agency, noted in evidence.notes.items():
        for id_ in sorted(noted - intended.get(agency, set())):
            yield f"delivery {id_}: {agency} received it, but another agency should have"


def _unfinished(deliveries: Sequence[DeliveryStatus]) -> Iterator[str]:
    """Every delivery has ended."""
    ended = NOT_FETCHED | {DeliveryState.DECIDED, DeliveryState.RETURNED}
    open_ = Counter(delivery.state for delivery in deliveries if delivery.state not in ended)
    for state, count in sorted(open_.items()):
        yield f"{count} deliveries are still {state}"


def _feed_differences(evidence: Evidence, deliveries: Sequence[DeliveryStatus]) -> Iterator[str]:
    """The feed gave the last state of every delivery and referral."""
    in_feed = {id_: state for id_, (_, state) in evidence.feed.deliveries.items()}
    in_ledger = {str(delivery.id): str(delivery.state) for delivery in deliveries}
    if in_feed != in_ledger:
        wrong = sum(in_feed.get(id_) != state for id_, state in in_ledger.items())
        yield (
            f"the feed has {len(in_feed)} deliveries; "
            f"{wrong} of {len(in_ledger)} have another state in it"
        )
    if len(evidence.feed.referrals) != len(evidence.ledger):
        yield f"the feed has {len(evidence.feed.referrals)} referrals"
