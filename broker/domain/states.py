"""The life of a referral and of a delivery: two literal tables of legal steps.

The checks in the SQL, the diagram in docs/architecture.md and the tests derive from these tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from schemas.codes import DeliveryState, ReferralState

__all__ = [
    "DELIVERY_STEPS",
    "OPEN_DELIVERIES",
    "REFERRAL_STEPS",
    "DeliveryState",
    "DeliveryStep",
    "ReferralState",
    "ReferralStep",
]


class ReferralStep(StrEnum):
    """What can happen to a referral."""

    ROUTE = "route"
    REJECT = "reject"
    MARK_UNROUTABLE = "mark_unroutable"
    """No recipient could be worked out."""
    CLOSE = "close"
    JUDGE_ANEW = "judge_anew"
    """A rejected one is handed in again as it was, or ops retries its routing."""
    REOPEN = "reopen"
    """After everything had ended a part was sent on, or the publisher corrected or recalled it."""


class DeliveryStep(StrEnum):
    """What can happen to a delivery."""

    HOLD = "hold"
    """A new version puts it under an embargo before anybody was offered it."""
    RELEASE = "release"
    """The embargo ended."""
    LEASE = "lease"
    LAPSE = "lapse"
    """The lease ran out, or the agency gave it back: it is offered again."""
    DEFER = "defer"
    """A push to the agency failed for now and is due again later."""
    REFUSE = "refuse"
    """The agency's channel refuses it for good."""
    COLLECT = "collect"
    ACKNOWLEDGE = "acknowledge"
    DECIDE = "decide"
    RETURN = "return"
    RECALL = "recall"
    REPLAY = "replay"
    """An undeliverable one is put back in the queue: by ops, or with a new version."""
    HAND_OVER = "hand_over"
    """An office has closed or opened: its team out of hours has it now, or the office again."""


_R, _S = ReferralState, ReferralStep

REFERRAL_STEPS: Mapping[ReferralState, Mapping[ReferralStep, ReferralState]] = {
    _R.ACCEPTED: {
        _S.ROUTE: _R.ROUTED,
        _S.REJECT: _R.REJECTED,
        _S.MARK_UNROUTABLE: _R.UNROUTABLE,
        _S.CLOSE: _R.CLOSED,
    },
    _R.UNROUTABLE: {_S.ROUTE: _R.ROUTED, _S.CLOSE: _R.CLOSED},
    _R.REJECTED: {_S.CLOSE: _R.CLOSED, _S.JUDGE_ANEW: _R.ACCEPTED},
    _R.ROUTED: {_S.MARK_UNROUTABLE: _R.UNROUTABLE, _S.CLOSE: _R.CLOSED},
    _R.CLOSED: {_S.REOPEN: _R.ROUTED},
}

_D, _T = DeliveryState, DeliveryStep
_ANSWERS: Mapping[DeliveryStep, DeliveryState] = {
    _T.COLLECT: _D.COLLECTED,
    _T.ACKNOWLEDGE: _D.ACKNOWLEDGED,
    _T.DECIDE: _D.DECIDED,
    _T.RETURN: _D.RETURNED,
    _T.RECALL: _D.RECALLED,
}

DELIVERY_STEPS: Mapping[DeliveryState, Mapping[DeliveryStep, DeliveryState]] = {
    _D.HELD: {_T.RELEASE: _D.AVAILABLE, _T.RECALL: _D.RECALLED},
    _D.AVAILABLE: {
        _T.HOLD: _D.HELD,
        _T.LEASE: _D.LEASED,
        _T.REFUSE: _D.UNDELIVERABLE,
        _T.HAND_OVER: _D.HANDED_OVER,
        **_ANSWERS,
    },
    _D.LEASED: {
        _T.LAPSE: _D.AVAILABLE,
        _T.DEFER: _D.AVAILABLE,
        _T.REFUSE: _D.UNDELIVERABLE,
        _T.HAND_OVER: _D.HANDED_OVER,
        **_ANSWERS,
    },
    _D.COLLECTED: {
        _T.ACKNOWLEDGE: _D.ACKNOWLEDGED,
        _T.DECIDE: _D.DECIDED,
        _T.RETURN: _D.RETURNED,
        _T.RECALL: _D.RECALLED,
        _T.HAND_OVER: _D.HANDED_OVER,
    },
    _D.ACKNOWLEDGED: {
        _T.DECIDE: _D.DECIDED,
        _T.RETURN: _D.RETURNED,
        _T.RECALL: _D.RECALLED,
        _T.HAND_OVER: _D.HANDED_OVER,
    },
    _D.UNDELIVERABLE: {
        _T.REPLAY: _D.AVAILABLE,
        _T.RECALL: _D.RECALLED,
        _T.HAND_OVER: _D.HANDED_OVER,
    },
    _D.DECIDED: {_T.DECIDE: _D.DECIDED},
    _D.RETURNED: {},
    _D.RECALLED: {},
    _D.HANDED_OVER: {},
}

OPEN_DELIVERIES = frozenset(
    {_D.HELD, _D.AVAILABLE, _D.LEASED, _D.COLLECTED, _D.ACKNOWLEDGED, _D.UNDELIVERABLE}
)
"""A delivery in one of these may still need somebody: an acknowledged one only while a decision is
due, see ``is_open`` in migration 0030."""
