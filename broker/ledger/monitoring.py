"""Questions of those who watch: who is late, who is about to be, and why. They change nothing.

One source for the pages, the command line and the metrics. What each figure means stands in
docs/operations.md; none of them costs more when the history is longer.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.domain.latency import Latencies
from broker.ledger.database import Part, Row, rows

WINDOWS: Mapping[str, timedelta] = {
    "15m": timedelta(minutes=15),
    "1h": timedelta(hours=1),
    "24h": timedelta(hours=24),
    "7d": timedelta(days=7),
    "28d": timedelta(days=28),
}
"""Spans up to now that figures are given for. Up to a day they begin on a minute, then on an
hour: finer counts are not kept longer."""
BANDS = ("breached", "5", "15", "30", "60", "more", "none", "paused", "held")
"""Time left until the next deadline: passed, under so many minutes, more, no deadline at all; and
work whose clock stands, because it is paused or under an embargo."""
SOON = timedelta(minutes=15)
"""Whatever is due within this is at risk, however quick its agency usually is."""
LATENESS_OF = "acknowledge"
"""The milestone that an agency's usual time is measured by."""
USUAL_FOR = timedelta(minutes=2)
"""How long usual times are used before whoever asks looks them up again."""
HOUR = timedelta(hours=1)
NONE = timedelta(0)
_EVENT = re.compile(r"([0-9]{1,18})-([0-9]{1,18})")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Work:
    """One agency's open deliveries. Both ages matter, and neither is *the* age of its queue."""

    agency: OrganisationCode
    open: int = 0
    held: int = 0
    available: int = 0
    leased: int = 0
    collected: int = 0
    acknowledged: int = 0
    undeliverable: int = 0
    parked: int = 0
    """Available, but waiting for a retry."""
    paused: int = 0
    overdue: int = 0
    oldest_claimable_at: datetime | None = None
    """Since when the oldest one waits that could be taken now."""
    oldest_unacknowledged_at: datetime | None = None
    """When the clock of the oldest one began that no person has taken."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Deadlines that came due in a window, and how many of them were kept."""

    due: int
    in_time: int

    @property
    def share(self) -> float | None:
        """The part that was kept, 0 to 1; None when nothing was due."""
        return self.in_time / self.due if self.due else None


@dataclass(frozen=True, slots=True)
class Presence:
    """An organisation, when it last used its key, and whether delivery to it is paused."""

    agency: OrganisationCode
    name: str
    kind: str
    channel: str
    seen_at: datetime | None
    stopped_at: datetime | None
    stopped_by: str | None
    stopped_because: str | None


@dataclass(frozen=True, slots=True)
class AtRisk:
    """A delivery, or an unroutable referral, that is late or may become so."""

    referral: ReferralId
    reference: str
    publisher: OrganisationCode
    delivery: DeliveryId | None
    agency: OrganisationCode | None
    """None: ops must find one."""
    state: str
    attempt: int
    clock_start: datetime
    trouble: str | None
    """A code: why its last attempt failed."""
    milestone: str
    due_at: datetime
    why: str
    """``breached``, ``soon`` (within 15 minutes), ``trouble``, ``usual`` (less time is left than
    its agency usually takes, p95 over seven days), ``silent`` (its agency has stopped collecting);
    or just ``open``."""
    grade: str | None
    escalation: UUID | None
    escalation_state: str | None
    owner: str | None
    """Who said that they see to it."""


@dataclass(frozen=True, slots=True)
class Told:
    """Somebody whom an escalation reached."""

    who: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Breach:
    """A deadline that passed and was not kept."""

    referral: ReferralId
    reference: str
    delivery: DeliveryId | None
    agency: OrganisationCode | None
    """Neither: no agency was found for the referral."""
    milestone: str
    due_at: datetime
    ended_at: datetime | None
    """When it was met late, or ended otherwise; None while it lasts."""
    met_at: datetime | None
    state: str
    grade: str | None
    cause: str
    """``broker``, ``sent_on``, ``channel``, ``not_collected``, ``not_acknowledged``,
    ``not_decided``, ``no_owner``."""
    corrected: bool
    """Whether a person gave another cause than the broker had found."""
    told: Sequence[Told]
    """Whom its ladder has reached, in that order."""


@dataclass(frozen=True, slots=True)
class Breaches:
    """How many deadlines were not kept, how many of them still wait, and the latest."""

    count: int
    lasting: int
    latest: Sequence[Breach]


@dataclass(frozen=True, slots=True)
class Unacknowledged:
    """What has waited longest for a person to take it."""

    agency: OrganisationCode
    clock_start: datetime
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Pipes:
    """What flows through the broker itself."""

    inbox: int
    inbox_oldest_at: datetime | None
    retries: int
    next_retry_at: datetime | None
    unroutable: int
    escalations: int
    notices_due: int
    notices_failed: int
    workers: int
    """Workers that showed themselves within the last seconds."""
    sweep_until: datetime | None
    sweeper: str | None


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """Deliveries that cannot be made, of one cause and agency."""

    cause: str | None
    agency: OrganisationCode
    count: int
    oldest_at: datetime
    latest_at: datetime
    next_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Climbing:
    """A ladder that is being climbed, or that a person has acknowledged."""

    id: UUID
    ladder: str
    milestone: str
    referral: ReferralId | None
    reference: str | None
    delivery: DeliveryId | None
    organisation: OrganisationCode
    due_at: datetime
    began_at: datetime
    state: str
    step: int
    next_step_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None


@dataclass(frozen=True, slots=True)
class Heat:
    """One agency's slots: when each began, what was due in it and what was kept."""

    agency: OrganisationCode
    slots: Mapping[datetime, Kept]


@dataclass(frozen=True, slots=True)
class Counts:
    """How much is late, is due soon, and the number of the last event: it tells of any change."""

    breached: int
    due_soon: int
    last_event: int


class Monitoring(Part):
    """What the ledger knows about deadlines, for whoever watches them."""

    _usual: tuple[datetime, Mapping[OrganisationCode, float]] = (_EPOCH, {})

    def _planned(self, name: str, asked: Mapping[str, Any]) -> list[Row]:
        """Ask with a plan for these values: one for any values reads a long history whole."""
        with self._transaction() as connection:
            return rows(connection, name, asked, prepare=False)

    @cached_property
    def edges(self) -> Sequence[float]:
        """The edges of the latencies' buckets, in seconds."""
        edges: Sequence[float] = self._planned("monitoring/latency_edges", {})[0]["edges"]
        return edges

    def work(self, *, now: datetime, agency: str | None = None) -> dict[OrganisationCode, Work]:
        """Return every agency's open deliveries in counts and instants."""
        found = self._planned("monitoring/open_work", {"now": now, "agency": agency})
        return {row["agency"]: Work(**row) for row in found}

    def burn_down(
        self, *, now: datetime, agency: str | None = None
    ) -> Mapping[str, Mapping[str, int]]:
        """Return how much is open in each of ``BANDS``, by effective grade."""
        bands: dict[str, dict[str, int]] = {band: {} for band in BANDS}
        for row in self._planned("monitoring/burn_down", {"now": now, "agency": agency}):
            bands[row["band"]][row["grade"]] = row["count"]
        return bands

    def at_risk(
        self,
        *,
        now: datetime,
        limit: int,
        within: timedelta = SOON,
        agency: str | None = None,
        everything: bool = False,
    ) -> list[AtRisk]:
        """Return what is late or may become so, or ``everything`` that is open, soonest first."""
        usual = self.usual_times(now=now)
        asked = {
            "now": now,
            "within": within,
            "agency": agency,
            "limit": limit,
            "agencies": list(usual),
            "usual": list(usual.values()),
            "everything": everything,
        }
        return [AtRisk(**row) for row in self._planned("monitoring/at_risk", asked)]

    def risk_counts(self, *, now: datetime, within: timedelta = SOON) -> Counts:
        """Return how much is late and how much will be soon."""
        return Counts(**self._planned("monitoring/risk_counts", {"now": now, "within": within})[0])

    def usual_times(
        self, *, now: datetime, fresh: bool = False
    ) -> Mapping[OrganisationCode, float]:
        """Return the seconds within which 95 % of an agency's deliveries were acknowledged, over
        seven days; as of two minutes ago at most, unless ``fresh``."""
        at, kept = self._usual
        if fresh or not timedelta(0) <= now - at < USUAL_FOR:
            found = self.latencies(("7d",), now=now, milestone=LATENESS_OF)["7d"]
            times = {agency: one.percentile(95) for (agency, _), one in found.items()}
            kept = {agency: seconds for agency, seconds in times.items() if seconds is not None}
            self._usual = (now, kept)
        return kept

    def latencies(
        self,
        windows: Iterable[str],
        *,
        now: datetime,
        agency: str | None = None,
        milestone: str | None = None,
    ) -> dict[str, dict[tuple[OrganisationCode, str], Latencies]]:
        """Return how long deliveries took in each window, by agency and milestone."""
        asked = {"agency": agency, "milestone": milestone}
        spans = _spans(windows, now, until=_minute(now) + timedelta(minutes=1))
        found: dict[str, dict[tuple[OrganisationCode, str], Latencies]]
        found = {name: {} for name in spans["names"]}
        for row in self._planned("monitoring/latencies", {**asked, **spans}):
            found[row["window"]][row["agency"], row["milestone"]] = self._latencies(row)
        return found

    def promises(
        self, windows: Iterable[str], *, now: datetime, agency: str | None = None
    ) -> dict[str, dict[tuple[OrganisationCode, str], Kept]]:
        """Return how many deadlines came due in each window and were kept.

        A deadline counts once the minute is over in which it falls.
        """
        spans = _spans(windows, now, until=_minute(now))
        kept: dict[str, dict[tuple[OrganisationCode, str], Kept]] = {n: {} for n in spans["names"]}
        for row in self._planned("monitoring/promises", {"agency": agency, **spans}):
            of = row["agency"], row["milestone"]
            kept[row["window"]][of] = Kept(row["due"], row["in_time"])
        return kept

    def heat(
        self, *, now: datetime, slot: timedelta, slots: int, limit: int, agency: str | None = None
    ) -> list[Heat]:
        """Return the agencies that kept least of their deadlines, in ``slots_until`` now."""
        end = _minute(now)
        start = slots_until(now, slot, slots)[0]
        # Hours are not put together from minutes but for the one that runs.
        hours_end = max(start, end.replace(minute=0)) if slot % HOUR == NONE else start
        asked = {"slot": slot, "start": start, "hours_end": hours_end, "end": end, "limit": limit}
        found: dict[OrganisationCode, dict[datetime, Kept]] = defaultdict(dict)
        for row in self._planned("monitoring/heat", {**asked, "agency": agency}):
            found[row["agency"]][row["at"]] = Kept(row["due"], row["in_time"])
        return [Heat(agency_, slots_) for agency_, slots_ in found.items()]

    def presences(self) -> dict[OrganisationCode, Presence]:
        """Return every organisation, and when it last showed itself."""
        return {row["agency"]: Presence(**row) for row in self._planned("monitoring/last_seen", {})}

    def breaches(
        self, *, now: datetime, since: datetime, limit: int, agency: str | None = None
    ) -> Breaches:
        """Return the deadlines that were not kept: those that passed since an instant, and those
        that still wait however long ago they passed; of these the ``limit`` latest."""
        asked = {"now": now, "start": since, "limit": limit, "agency": agency}
        found = self._planned("monitoring/breaches", asked)
        count, lasting = (found[0]["found"], found[0]["lasting"]) if found else (0, 0)
        return Breaches(count, lasting, [_breach(row) for row in found])

    def longest_unacknowledged(self) -> Unacknowledged | None:
        """Return what has waited longest for a person; None when nothing waits."""
        found = self._planned("monitoring/longest_unacknowledged", {})
        return Unacknowledged(**found[0]) if found else None

    def pipes(self, *, now: datetime) -> Pipes:
        """Return what flows through the broker itself."""
        return Pipes(**self._planned("monitoring/pipes", {"now": now})[0])

    def dead_letters(self, *, agency: str | None = None) -> list[DeadLetters]:
        """Return what cannot be delivered, by cause and agency, soonest deadline first."""
        return [
            DeadLetters(**row)
            for row in self._planned("monitoring/dead_letters", {"agency": agency})
        ]

    def climbing(
        self,
        *,
        limit: int,
        agency: str | None = None,
        id: UUID | None = None,
        referral: ReferralId | None = None,
    ) -> list[Climbing]:
        """Return the ladders that are being climbed, those that nobody acknowledged first.

        All of them, or an agency's, a referral's, or the one with this id.
        """
        asked = {"agency": agency, "id": id, "referral": referral, "limit": limit}
        return [Climbing(**row) for row in self._planned("monitoring/running_escalations", asked)]

    def find(self, text: str) -> list[ReferralId]:
        """Return referrals by any name: id, reference, a delivery's id, an event's number."""
        transaction, event = _cursor(text)
        asked = {"id": _uuid(text), "transaction": transaction, "event": event, "reference": text}
        return list(dict.fromkeys(row["id"] for row in self._planned("monitoring/findable", asked)))

    def totals(
        self, *, now: datetime
    ) -> tuple[list[Row], dict[tuple[OrganisationCode, str], Latencies]]:
        """Return everything that was ever counted, for counters that only rise.

        Deadlines as rows of ``agency``, ``milestone``, ``due``, ``withdrawn`` and ``in_time``;
        latencies by agency and milestone.
        """
        with self._transaction() as connection:
            promised = rows(connection, "monitoring/totals", {"end": _minute(now)}, prepare=False)
            took = rows(connection, "monitoring/all_latencies", {})
        return promised, {
            (row["agency"], row["milestone"]): self._latencies(row, row["microseconds"] / 1e6)
            for row in took
        }

    def _latencies(self, row: Row, seconds: float | None = None) -> Latencies:
        counts = dict(zip(row["buckets"], row["counts"], strict=True))
        return Latencies(self.edges, counts, seconds)


def cause_of(row: Mapping[str, Any]) -> str:
    """Return what a breach is put down to, from what happened before its deadline."""
    allowed = row["due_at"] - row["clock_start"]
    if row["delivery"] is None:
        return "no_owner"
    if row["state"] == "undeliverable":
        return "channel"
    if row["available_at"] - row["clock_start"] > allowed / 2:
        return "sent_on" if row["sent_on"] else "broker"
    if row["collected_at"] is None or row["collected_at"] > row["due_at"]:
        return "not_collected"
    if row["acknowledged_at"] is None or row["acknowledged_at"] > row["due_at"]:
        return "not_acknowledged"
    return "not_decided"


def _breach(row: Row) -> Breach:
    return Breach(
        referral=row["referral"],
        reference=row["reference"],
        delivery=row["delivery"],
        agency=row["agency"],
        milestone=row["milestone"],
        due_at=row["due_at"],
        ended_at=row["ended_at"],
        met_at=row["met_at"],
        state=row["state"],
        grade=row["grade"],
        cause=row["corrected_cause"] or cause_of(row),
        corrected=row["corrected_cause"] is not None,
        told=[Told(*one) for one in zip(row["told"] or (), row["told_at"] or (), strict=True)],
    )


def _spans(windows: Iterable[str], now: datetime, *, until: datetime) -> dict[str, list[Any]]:
    names = list(windows)
    starts = [window_start(name, now) for name in names]
    return {"names": names, "starts": starts, "ends": [until] * len(names)}


def window_start(name: str, now: datetime) -> datetime:
    """Return when a window that ends now begins: on a minute, or on an hour beyond a day."""
    start = _minute(now) - WINDOWS[name]
    return start.replace(minute=0) if WINDOWS[name] > timedelta(days=1) else start


def slots_until(now: datetime, slot: timedelta, count: int) -> list[datetime]:
    """Return when so many slots began, the last of them being the one that runs.

    They begin on whole multiples of their length: an hour's on the hour.
    """
    last = _minute(now) - (_minute(now) - _EPOCH) % slot
    return [last - slot * n for n in reversed(range(count))]


def _minute(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(second=0, microsecond=0)


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _cursor(text: str) -> tuple[str, int] | tuple[None, None]:
    """Take an event's number apart, as feeds and histories name it; Nones when it is none."""
    match = _EVENT.fullmatch(text)
    return (match[1], int(match[2])) if match else (None, None)
