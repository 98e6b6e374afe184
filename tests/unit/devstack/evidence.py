"""Ledger rows, receipts and events as the demo compares them; tests change one thing each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from referral_broker_client import Event, Problem, Published, Receipt

from broker.devstack.comparison import Evidence
from broker.devstack.feed_tally import FeedTally
from broker.domain.codes import Milestone, Role
from broker.domain.delivery import DeliveryStatus
from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.domain.referral import ReferralStatus
from broker.domain.states import DeliveryState, ReferralState

NOW = datetime(2026, 12, 18, 16, 50, tzinfo=UTC)
STOKE = OrganisationCode("stoke-csc")
DIGEST = b"\xab" * 32
ALL_MET = (Milestone.COLLECT, Milestone.ACKNOWLEDGE, Milestone.DECIDE)


def leg(
    number: int,
    *,
    state: DeliveryState = DeliveryState.DECIDED,
    met: Mapping[Milestone, datetime] | Sequence[Milestone] = ALL_MET,
    due: Mapping[Milestone, datetime] | None = None,
) -> DeliveryStatus:
    """A delivery to Stoke that went well."""
    at = NOW + timedelta(seconds=1)
    return DeliveryStatus(
        id=DeliveryId(UUID(int=1000 + number)),
        agency=STOKE,
        role=Role.LEAD,
        row="row",
        view="view",
        state=state,
        attempt=1,
        available_at=NOW,
        clock_start=NOW,
        due=due or {},
        met=met if isinstance(met, Mapping) else dict.fromkeys(met, at),
        returned_at=None,
        paused_at=None,
        outcome=None,
        reason=None,
        note=None,
        answered_by=None,
        replaces=None,
        explanation={},
    )


def referral(number: int, *legs: DeliveryStatus, state: str = "routed") -> ReferralStatus:
    """A referral with these deliveries."""
    return ReferralStatus(
        id=ReferralId(UUID(int=number)),
        publisher=OrganisationCode("staffordshire-police"),
        reference=f"REF/{number}",
        state=ReferralState(state),
        digest=DIGEST,
        accepted_at=NOW,
        routed_at=NOW,
        closed_at=None,
        grade="high",
        effective_grade="high",
        policy_version="1",
        directory_version="1",
        reason=None,
        attend_by=None,
        faults=(),
        defects=(),
        warnings=(),
        deliveries=legs,
    )


def receipt(number: int, *, duplicate: bool = False) -> Receipt:
    """The receipt of the referral with this number."""
    id_ = str(UUID(int=number))
    return Receipt(id_, f"REF/{number}", "accepted", NOW, DIGEST.hex(), duplicate, {})


def evidence(*ledger: ReferralStatus, refused: int = 0) -> Evidence:
    """Evidence in which all sources agree."""
    refusal = Problem(status=422, code="prohibited-content", title="No")
    results = [Published(receipt(row.id.int), None) for row in ledger]
    results += [Published(None, refusal)] * refused
    legs = [delivery for row in ledger for delivery in row.deliveries]
    fetched = {str(leg.id) for leg in legs if leg.state is not DeliveryState.HELD}
    notes = {STOKE: frozenset(fetched)}
    return Evidence(results, [], ledger, refused, notes, feed(*ledger))


def feed(*ledger: ReferralStatus) -> FeedTally:
    """The feed of these referrals."""
    tally = FeedTally()
    for row in ledger:
        tally.referrals[str(row.id)] = str(row.state)
        for delivery in row.deliveries:
            tally.deliveries[str(delivery.id)] = (delivery.agency, str(delivery.state))
    return tally


def event(kind: str, number: int = 1, cursor: str = "1") -> Event:
    """A line of the feed about one delivery to Stoke, or its referral."""
    is_delivery = kind.startswith("delivery.")
    return Event(
        cursor=cursor,
        at=NOW,
        kind=kind,
        referral=f"r{number}",
        reference=f"REF/{number}",
        delivery=f"d{number}" if is_delivery else None,
        agency=STOKE if is_delivery else None,
        data={},
    )


def without_notes(whole: Evidence) -> Evidence:
    """The same, but no agency noted anything."""
    return replace(whole, notes={})
