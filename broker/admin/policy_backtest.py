"""Back-test a policy: judge past referrals under two policies and count the differences.

The code is that of routing, with the instants at which each referral was accepted and routed. The
result holds counts, codes and a few ids, and no content.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from broker.domain.codes import Milestone
from broker.domain.delivery import NewDelivery
from broker.domain.states import ReferralState
from broker.ledger.policy_backtest import Met, Past
from broker.policy.decide import decide
from broker.policy.decision import (
    Rejected,
    Routed,
    Unroutable,
    Unrouted,
)
from broker.policy.published.policy import Policy

EXAMPLES = 5
"""How many ids of referrals are kept for each kind of difference."""
Due = tuple[str, Milestone]
"""An agency, and one of its milestones."""


@dataclass(slots=True)
class Shift:
    """Deadlines that moved one way: how many, and by how much at most."""

    count: int = 0
    worst: timedelta = timedelta()

    def add(self, by: timedelta) -> None:
        """Count a deadline that moved by this much."""
        self.count += 1
        self.worst = max(self.worst, by)


@dataclass(slots=True)
class Backtest:
    """What would have been different under the new policy."""

    judged: int = 0
    different: int = 0
    """Referrals for which anything at all is different."""
    gained: Counter[str] = field(default_factory=Counter)
    """How many referrals each agency would have received that it did not."""
    lost: Counter[str] = field(default_factory=Counter)
    shorter: dict[Due, Shift] = field(default_factory=dict)
    longer: dict[Due, Shift] = field(default_factory=dict)
    deadlines_gained: Counter[Due] = field(default_factory=Counter)
    deadlines_lost: Counter[Due] = field(default_factory=Counter)
    missed: Counter[Due] = field(default_factory=Counter)
    """Met in time by the old policy and late by the new one, at the real times."""
    rescued: Counter[Due] = field(default_factory=Counter)
    """Late by the old policy, and in time by the new one."""
    overdue: Counter[Due] = field(default_factory=Counter)
    """Never met: still open by the old policy, and past its deadline by the new one."""
    becomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """From what to what: routed, unroutable, rejected, or failed with the class of the error."""
    examples: dict[str, list[str]] = field(default_factory=dict)
    """A few ids for ``gained``, ``lost``, ``missed``, ``overdue`` and ``becomes``."""

    def note(self, difference: str, past: Past) -> None:
        """Keep the id of a referral as an example of a kind of difference."""
        examples = self.examples.setdefault(difference, [])
        if len(examples) < EXAMPLES and str(past.id) not in examples:
            examples.append(str(past.id))


@dataclass(frozen=True, slots=True)
class _Judged:
    becomes: str
    deliveries: Sequence[NewDelivery] = ()


def backtest(past: Iterable[Past], *, old: Policy, new: Policy, now: datetime) -> Backtest:
    """Judge each referral under both policies and count the differences."""
    result = Backtest()
    for referral in past:
        result.judged += 1
        before, after = _judge(referral, old), _judge(referral, new)
        result.different += _compare(result, referral, before, after, now)
    return result


def _judge(past: Past, policy: Policy) -> _Judged:
    """Judge a referral as at the time of its acceptance; an error is an outcome of its own."""
    waiting = Unrouted(
        id=past.id,
        publisher=past.publisher,
        reference=past.reference,
        body=past.body,
        accepted_at=past.accepted_at,
        attempt=0,
        begun=0,
        due_at=past.accepted_at,
        areas=past.areas,
        state=ReferralState.ACCEPTED,
    )
    try:
        decision = decide(
            waiting,
            policy=policy,
            now=past.routed_at or past.accepted_at,
            new_id=lambda: UUID(int=0),
        )
    except Exception as error:
        return _Judged(f"failed ({type(error).__name__})")
    match decision:
        case Routed():
            return _Judged("routed", decision.deliveries)
        case Rejected():
            return _Judged("rejected")
        case Unroutable():
            return _Judged(f"unroutable ({decision.reason})")
        case _:
            return _Judged("postponed")


def _compare(result: Backtest, past: Past, before: _Judged, after: _Judged, now: datetime) -> bool:
    """Count what is different for one referral, and tell whether anything is."""
    is_different = False
    if before.becomes != after.becomes:
        is_different = True
        result.becomes[before.becomes, after.becomes] += 1
        result.note("becomes", past)
    agencies_before, agencies_after = (
        {leg.agency for leg in judged.deliveries} for judged in (before, after)
    )
    for difference, counter, agencies in (
        ("gained", result.gained, agencies_after - agencies_before),
        ("lost", result.lost, agencies_before - agencies_after),
    ):
        for agency in agencies:
            is_different = True
            counter[agency] += 1
            result.note(difference, past)
    for was, will in _pairs(before.deliveries, after.deliveries):
        for milestone in Milestone:
            due = (was.due.get(milestone), will.due.get(milestone))
            if due[0] != due[1]:
                is_different = True
                met = _met(past.met, was, milestone)
                _moved(result, past, (was.agency, milestone), due, met, now)
    return is_different


def _pairs(
    before: Sequence[NewDelivery], after: Sequence[NewDelivery]
) -> Iterator[tuple[NewDelivery, NewDelivery]]:
    """Pair the legs of each agency: those of the same row first, then the rest in their order."""
    left = list(after)
    unpaired = []
    for was in before:
        will = next((leg for leg in left if (leg.agency, leg.row) == (was.agency, was.row)), None)
        if will is None:
            unpaired.append(was)
            continue
        left.remove(will)
        yield was, will
    for was in unpaired:
        will = next((leg for leg in left if leg.agency == was.agency), None)
        if will is not None:
            left.remove(will)
            yield was, will


def _met(met: Sequence[Met], leg: NewDelivery, milestone: Milestone) -> datetime | None:
    """Return when a milestone was really met: on the leg of the same row, or of the agency."""
    own = [answer for answer in met if answer.agency == leg.agency]
    same = [answer for answer in own if answer.row == leg.row] or own
    times = [answer.at[milestone] for answer in same if milestone in answer.at]
    return min(times, default=None)


def _moved(
    result: Backtest,
    past: Past,
    of: Due,
    due: tuple[datetime | None, datetime | None],
    met: datetime | None,
    now: datetime,
) -> None:
    was, will = due
    if was is not None and will is not None:
        side = result.shorter if will < was else result.longer
        side.setdefault(of, Shift()).add(abs(will - was))
    else:
        (result.deadlines_gained if was is None else result.deadlines_lost)[of] += 1
    in_time, stays_in_time = (end is None or (met or now) <= end for end in due)
    if in_time == stays_in_time:
        return
    if stays_in_time:
        result.rescued[of] += 1
        return
    (result.missed if met else result.overdue)[of] += 1
    result.note("missed" if met else "overdue", past)
