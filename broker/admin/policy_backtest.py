"""Judge what was accepted again under two policies, and count what would have been different.

The same code as routing judges, with the instants at which each referral was really accepted and
routed. What comes out are counts, codes and a few ids: no content.
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
"""So many ids of referrals are named for each kind of difference."""
Due = tuple[str, Milestone]
"""An agency, and one of its milestones."""


@dataclass(slots=True)
class Shift:
    """Deadlines that moved one way: how many, and by how much at worst."""

    count: int = 0
    worst: timedelta = timedelta()

    def add(self, by: timedelta) -> None:
        """Count one."""
        self.count += 1
        self.worst = max(self.worst, by)


@dataclass(slots=True)
class Replay:
    """What would have been different."""

    judged: int = 0
    different: int = 0
    """Referrals for which anything at all is different."""
    gained: Counter[str] = field(default_factory=Counter)
    """How many referrals each agency would have had that it had not."""
    lost: Counter[str] = field(default_factory=Counter)
    shorter: dict[Due, Shift] = field(default_factory=dict)
    longer: dict[Due, Shift] = field(default_factory=dict)
    deadlines_gained: Counter[Due] = field(default_factory=Counter)
    deadlines_lost: Counter[Due] = field(default_factory=Counter)
    missed: Counter[Due] = field(default_factory=Counter)
    """Met in time by the old policy and late by the new one, at the real times."""
    kept: Counter[Due] = field(default_factory=Counter)
    """Late by the old policy, and in time by the new one."""
    overdue: Counter[Due] = field(default_factory=Counter)
    """Never met: still open by the old policy, and past its deadline by the new one."""
    becomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    """From what to what: routed, unroutable, rejected, or failed with the class of the error."""
    examples: dict[str, list[str]] = field(default_factory=dict)
    """A few ids for ``gained``, ``lost``, ``missed``, ``overdue`` and ``becomes``."""

    def note(self, what: str, past: Past) -> None:
        """Remember an example."""
        found = self.examples.setdefault(what, [])
        if len(found) < EXAMPLES and str(past.id) not in found:
            found.append(str(past.id))


@dataclass(frozen=True, slots=True)
class _Judged:
    becomes: str
    deliveries: Sequence[NewDelivery] = ()


def replay(past: Iterable[Past], *, old: Policy, new: Policy, now: datetime) -> Replay:
    """Judge each referral under both policies and count the differences."""
    found = Replay()
    for one in past:
        found.judged += 1
        before, after = _judge(one, old), _judge(one, new)
        found.different += _compare(found, one, before, after, now)
    return found


def _judge(past: Past, book: Policy) -> _Judged:
    """Judge a referral as it was judged when it came; what goes wrong is an outcome of its own."""
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
            waiting, policy=book, now=past.routed_at or past.accepted_at, new_id=lambda: UUID(int=0)
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


def _compare(found: Replay, past: Past, before: _Judged, after: _Judged, now: datetime) -> bool:
    """Count what is different for one referral, and tell whether anything is."""
    is_different = False
    if before.becomes != after.becomes:
        is_different = True
        found.becomes[before.becomes, after.becomes] += 1
        found.note("becomes", past)
    had, has = ({leg.agency for leg in judged.deliveries} for judged in (before, after))
    for what, counter, agencies in (
        ("gained", found.gained, has - had),
        ("lost", found.lost, had - has),
    ):
        for agency in agencies:
            is_different = True
            counter[agency] += 1
            found.note(what, past)
    for was, will in _pairs(before.deliveries, after.deliveries):
        for milestone in Milestone:
            due = (was.due.get(milestone), will.due.get(milestone))
            if due[0] != due[1]:
                is_different = True
                met = _met(past.met, was, milestone)
                _moved(found, past, (was.agency, milestone), due, met, now)
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
    own = [one for one in met if one.agency == leg.agency]
    same = [one for one in own if one.row == leg.row] or own
    times = [one.at[milestone] for one in same if milestone in one.at]
    return min(times, default=None)


def _moved(
    found: Replay,
    past: Past,
    of: Due,
    due: tuple[datetime | None, datetime | None],
    met: datetime | None,
    now: datetime,
) -> None:
    was, will = due
    if was is not None and will is not None:
        side = found.shorter if will < was else found.longer
        side.setdefault(of, Shift()).add(abs(will - was))
    else:
        (found.deadlines_gained if was is None else found.deadlines_lost)[of] += 1
    in_time, stays_in_time = (end is None or (met or now) <= end for end in due)
    if in_time == stays_in_time:
        return
    if stays_in_time:
        found.kept[of] += 1
        return
    (found.missed if met else found.overdue)[of] += 1
    found.note("missed" if met else "overdue", past)
