"""The demo's sums: what was handed in, against the ledger, the agencies' notes and the feed.

Three witnesses are heard apart: the ledger itself, what each agency noted when it received
something, and what the police were told through their feed. They must agree to the last one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from referral_broker_client import Published, Receipt

from broker.devstack.feed_tally import Board
from broker.domain.codes import Milestone
from broker.domain.delivery import DeliveryStatus
from broker.domain.referral import ReferralStatus
from broker.domain.states import DeliveryState, ReferralState

TAKEN = frozenset({ReferralState.ROUTED, ReferralState.CLOSED, ReferralState.UNROUTABLE})
NOT_FETCHED = frozenset({DeliveryState.HELD, DeliveryState.UNDELIVERABLE, DeliveryState.RECALLED})
"""States in which no agency need have it."""

PROHIBITED = "prohibited-content"

Notes = Mapping[str, frozenset[str]]
"""The ids of the deliveries that each agency says it received."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the witnesses say."""

    results: Sequence[Published]
    """One for each distinct document that was handed in."""
    repeats: Sequence[tuple[Receipt, Receipt]]
    """First and second receipt of each document that was handed in twice."""
    ledger: Sequence[ReferralStatus]
    """The ledger's own rows for everything that this publisher has in it."""
    refusals: int
    """How many bodies the ledger notes as refused for their content, and not kept."""
    notes: Notes
    feed: Board


@dataclass(frozen=True, slots=True)
class Reckoning:
    """The counts, and every sum that does not come out."""

    published: int
    accepted: int
    rejected: int
    refused: int
    """Those of the rejected that were refused at the door: nothing of them is kept."""
    unroutable: int
    deliveries: int
    collected: int
    acknowledged: int
    decided: int
    lost: int
    states: Mapping[str, int]
    differences: Sequence[str]


def reckon(evidence: Evidence) -> Reckoning:
    """Count everything and compare the witnesses."""
    legs = [leg for referral in evidence.ledger for leg in referral.deliveries]
    states = Counter(referral.state for referral in evidence.ledger)
    refused = sum(result.problem is not None for result in evidence.results)
    return Reckoning(
        published=len(evidence.results),
        accepted=sum(states[state] for state in TAKEN),
        rejected=refused + states[ReferralState.REJECTED],
        refused=refused,
        unroutable=states[ReferralState.UNROUTABLE],
        deliveries=len(legs),
        collected=_met(legs, Milestone.COLLECT),
        acknowledged=_met(legs, Milestone.ACKNOWLEDGE),
        decided=_met(legs, Milestone.DECIDE),
        lost=len(_lost(evidence)),
        states=Counter(str(leg.state) for leg in legs),
        differences=list(_differences(evidence, legs)),
    )


def _met(legs: Sequence[DeliveryStatus], milestone: Milestone) -> int:
    return sum(milestone in leg.met for leg in legs)


def _lost(evidence: Evidence) -> Sequence[str]:
    """Name everything that somebody was promised and nobody has."""
    return [*_missing(evidence), *_stuck(evidence), *_unfetched(evidence)]


def _missing(evidence: Evidence) -> Iterator[str]:
    """Receipts that the ledger knows nothing of, or has with other content."""
    held = {(str(referral.id), referral.digest.hex()) for referral in evidence.ledger}
    for result in evidence.results:
        receipt = result.receipt
        if receipt is not None and (receipt.id, receipt.digest) not in held:
            yield f"referral {receipt.reference}: a receipt, but not in the ledger as accepted"


def _stuck(evidence: Evidence) -> Iterator[str]:
    """Referrals that were accepted, and nothing came of it."""
    for referral in evidence.ledger:
        if referral.state is ReferralState.ACCEPTED:
            yield f"referral {referral.reference}: accepted and not routed"


def _unfetched(evidence: Evidence) -> Iterator[str]:
    """Deliveries that ought to be with an agency which never received them."""
    for referral in evidence.ledger:
        for leg in referral.deliveries:
            noted = evidence.notes.get(leg.agency, frozenset())
            if leg.state not in NOT_FETCHED and str(leg.id) not in noted:
                yield f"delivery {leg.id}: {leg.state}, but {leg.agency} never received it"


def _differences(evidence: Evidence, legs: Sequence[DeliveryStatus]) -> Iterator[str]:
    yield from _lost(evidence)
    yield from _uncounted(evidence)
    yield from _unnoted(evidence)
    yield from _doubled(evidence)
    yield from _invented(evidence, legs)
    yield from _unfinished(legs)
    yield from _untold(evidence, legs)


def _uncounted(evidence: Evidence) -> Iterator[str]:
    """Everything handed in was refused at the door, or is in the ledger under its receipt."""
    receipts = sum(result.receipt is not None for result in evidence.results)
    if receipts != len(evidence.ledger):
        yield f"{receipts} receipts, but {len(evidence.ledger)} referrals in the ledger"


def _unnoted(evidence: Evidence) -> Iterator[str]:
    """Of a body that may not be kept, the ledger notes digest, size and reason."""
    problems = [result.problem for result in evidence.results if result.problem]
    told = sum(problem.code == PROHIBITED for problem in problems)
    if told != evidence.refusals:
        yield f"{told} refused for their content, but the ledger notes {evidence.refusals}"


def _doubled(evidence: Evidence) -> Iterator[str]:
    """A document that is handed in again gets the receipt of the first time."""
    for first, second in evidence.repeats:
        if not second.duplicate or (first.id, first.digest) != (second.id, second.digest):
            yield f"referral {first.reference}: handed in twice, two different receipts"


def _invented(evidence: Evidence, legs: Sequence[DeliveryStatus]) -> Iterator[str]:
    """What an agency received was meant for that agency."""
    meant: dict[str, set[str]] = {}
    for leg in legs:
        meant.setdefault(leg.agency, set()).add(str(leg.id))
    for agency, noted in evidence.notes.items():
        for delivery in sorted(noted - meant.get(agency, set())):
            yield f"delivery {delivery}: {agency} received it, but it was not meant for it"


def _unfinished(legs: Sequence[DeliveryStatus]) -> Iterator[str]:
    """Nobody left anything lying."""
    ended = NOT_FETCHED | {DeliveryState.DECIDED, DeliveryState.RETURNED}
    open_ = Counter(leg.state for leg in legs if leg.state not in ended)
    for state, count in sorted(open_.items()):
        yield f"{count} deliveries are still {state}"


def _untold(evidence: Evidence, legs: Sequence[DeliveryStatus]) -> Iterator[str]:
    """The police were told the last state of every delivery and referral."""
    told = {id_: state for id_, (_, state) in evidence.feed.deliveries.items()}
    held = {str(leg.id): str(leg.state) for leg in legs}
    if told != held:
        wrong = sum(told.get(id_) != state for id_, state in held.items())
        yield f"the feed tells of {len(told)} deliveries, {wrong} of {len(held)} in another state"
    if len(evidence.feed.referrals) != len(evidence.ledger):
        yield f"the feed tells of {len(evidence.feed.referrals)} referrals"
