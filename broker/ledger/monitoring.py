"""What is open, late or about to be late, and why. Nothing here changes anything.

The pages, the command line, the metrics and the API all read these figures. What each means stands
in docs/operations.md; none costs more when the history is longer.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from broker.domain.codes import Cause
from broker.domain.delivery import OpenWork
from broker.domain.epoch import place_of
from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.domain.monitoring import (
    AgencyPage,
    AgencySearch,
    AgencySummary,
    AtRisk,
    Breach,
    Breaches,
    DeadLetters,
    Notified,
    OrganisationStatus,
    PipelineStatus,
    Proof,
    RiskCounts,
    UrgentAgency,
    UrgentDelivery,
    UrgentWork,
    WaitingCounts,
    cause_of,
)
from broker.ledger.database import Connection, Database, Part, Row, rows
from broker.ledger.statistics import Statistics
from broker.policy.routing.assignments import UNTIL_RELEASED

BANDS = ("breached", "5", "15", "30", "60", "more", "none", "paused", "held")
"""Time left until the next deadline: passed, under so many minutes, more, no deadline at all; and
work whose clock does not run, because it is paused or under an embargo."""
SOON = timedelta(minutes=15)
"""Whatever is due within this is at risk, however quick its agency usually is."""
DAY = timedelta(days=1)
_OF_DELIVERY = tuple(field.name for field in fields(UrgentDelivery))
_OF_AGENCY = tuple(
    field.name for field in fields(UrgentAgency) if field.name not in ("owners", "deliveries")
)
_OF_SUMMARY = tuple(field.name for field in fields(AgencySummary))
_COUNTED = ("late", "silent", "suspended", "retrying", "unusual")
_EVENT = re.compile(r"event-([0-9]{1,18})")


class Monitoring(Part):
    """Open work, risks and breaches."""

    def __init__(self, database: Database, statistics: Statistics) -> None:
        super().__init__(database)
        self._statistics = statistics

    def open_work(
        self, *, now: datetime, agency: str | None = None
    ) -> dict[OrganisationCode, OpenWork]:
        """Return every agency's open deliveries in counts and instants, nearest deadline first."""
        params = {"now": now, "agency": agency}
        return {
            row["agency"]: OpenWork(**row) for row in self._planned("monitoring/open_work", params)
        }

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
        usual = self._statistics.usual_times(now=now)
        params = {
            "now": now,
            "within": within,
            "agency": agency,
            "limit": limit,
            "agencies": list(usual),
            "usual": list(usual.values()),
            "everything": everything,
        }
        return [AtRisk(**row) for row in self._planned("monitoring/at_risk", params)]

    def risk_counts(self, *, now: datetime, within: timedelta = SOON) -> RiskCounts:
        """Return how much is late and how much will be within a time."""
        with self._transaction() as connection:
            return risk_counts(connection, now=now, within=within)

    def urgent_work(
        self,
        *,
        now: datetime,
        limit: int,
        each: int,
        within: timedelta = SOON,
        agency: str | None = None,
    ) -> UrgentWork:
        """Return what is late or due within a time by agency, what nobody deals with first.

        ``limit`` agencies at most, and ``each`` deliveries of every one of them.
        """
        params = {"now": now, "within": within, "limit": limit, "each": each, "agency": agency}
        return _urgent_work(self._planned("monitoring/urgent_work", params))

    def agencies(
        self, search: AgencySearch, *, now: datetime, limit: int, offset: int = 0
    ) -> AgencyPage:
        """Return a page of the organisations that a search matches, those with late work first."""
        params = {
            **asdict(search),
            **{"now": now, "within": SOON, "limit": limit, "offset": offset},
        }
        return _agency_page(self._planned("monitoring/agencies", params))

    def waiting_counts(self, *, now: datetime) -> WaitingCounts:
        """Return how much waits for people of ops."""
        params = {"now": now, "never": UNTIL_RELEASED}
        return WaitingCounts(**self._planned("monitoring/waiting_counts", params)[0])

    def proof(self, *, now: datetime) -> Proof:
        """Return what shows that the broker works: what came through within a day."""
        return Proof(**self._planned("monitoring/proof", {"since": now - DAY})[0])

    def breaches(
        self, *, now: datetime, since: datetime, limit: int, agency: str | None = None
    ) -> Breaches:
        """Return the deadlines that were missed: those that passed since an instant, and those
        that are still not met however long ago they passed; of these the ``limit`` latest."""
        params = {"now": now, "start": since, "limit": limit, "agency": agency}
        late = self._planned("monitoring/breaches", params)
        count, lasting = (late[0]["total"], late[0]["lasting"]) if late else (0, 0)
        return Breaches(count, lasting, [_breach(row) for row in late])

    def breach_cause(self, delivery: DeliveryId, milestone: str, *, now: datetime) -> Cause | None:
        """Return what a missed deadline is put down to; None when it is not missed."""
        params = {"delivery": delivery, "milestone": milestone, "now": now}
        missed = self._rows("monitoring/breach_cause", params)
        return cause_of(missed[0]) if missed else None

    def organisation_status(self) -> dict[OrganisationCode, OrganisationStatus]:
        """Return every organisation, when it last used a key, and whether it is suspended."""
        return {
            row["agency"]: OrganisationStatus(**row)
            for row in self._planned("monitoring/organisation_status", {})
        }

    def pipeline_status(self, *, now: datetime) -> PipelineStatus:
        """Return what waits in the broker itself, and which of its workers run."""
        return PipelineStatus(**self._planned("monitoring/pipeline_status", {"now": now})[0])

    def lines_lost(self) -> int:
        """Return how many log lines workers could not write, since there is a ledger."""
        return int(self._rows("monitoring/lines_lost", {})[0]["lines"])

    def dead_letters(self, *, agency: str | None = None) -> list[DeadLetters]:
        """Return what cannot be delivered, by cause and agency, soonest deadline first."""
        return [
            DeadLetters(**row)
            for row in self._planned("monitoring/dead_letters", {"agency": agency})
        ]

    def deferred(self) -> dict[tuple[str, str], int]:
        """Return how many deliveries could not be sent and are tried again, by channel and code."""
        return {
            (row["channel"], row["code"]): row["count"]
            for row in self._planned("monitoring/deferred", {})
        }

    def find(self, text: str) -> list[ReferralId]:
        """Return referrals by any name: id, reference, a delivery's id, an event's number."""
        match, place = _EVENT.fullmatch(text), place_of(text)
        params = {
            "id": _uuid(text),
            "event": int(match[1]) if match else None,
            "epoch": place.epoch if place else None,
            "number": place.number if place else None,
            "reference": text,
        }
        return list(dict.fromkeys(row["id"] for row in self._planned("monitoring/find", params)))


def _urgent_work(listed: Sequence[Row]) -> UrgentWork:
    if not listed:
        return UrgentWork(())
    agencies = [
        UrgentAgency(
            **{name: rows[0][name] for name in _OF_AGENCY},
            owners=rows[0]["owners"] or (),
            deliveries=[
                UrgentDelivery(**{name: row[name] for name in _OF_DELIVERY}) for row in rows
            ],
        )
        for rows in (list(group) for _, group in groupby(listed, key=itemgetter("agency")))
    ]
    first = listed[0]
    return UrgentWork(
        agencies,
        first["agencies"],
        int(first["late_agencies"]),
        int(first["soon_agencies"]),
        first["earliest_soon_at"],
    )


def _agency_page(listed: Sequence[Row]) -> AgencyPage:
    return AgencyPage(
        [
            AgencySummary(**{name: row[name] for name in _OF_SUMMARY})
            for row in listed
            if row["agency"] is not None
        ],
        shown=listed[0]["all_shown"],
        all=listed[0]["all_agencies"],
        **{name: listed[0][f"all_{name}"] for name in _COUNTED},
    )


def _breach(row: Row) -> Breach:
    corrected = row["corrected_cause"]
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
        cause=Cause(corrected) if corrected else cause_of(row),
        corrected=corrected is not None,
        notified=[
            Notified(contact, at)
            for contact, at in zip(row["contacts"] or (), row["notified_at"] or (), strict=True)
        ],
    )


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def risk_counts(connection: Connection, *, now: datetime, within: timedelta = SOON) -> RiskCounts:
    """Return how much is late and how much will be within a time."""
    params = {"now": now, "within": within}
    # A plan for any values would read a long history whole.
    return RiskCounts(**rows(connection, "monitoring/risk_counts", params, prepare=False)[0])
