"""What shows whether the broker works: beats of its lanes, reports of processes, outages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from broker.domain.ids import OrganisationCode
from broker.domain.monitoring import RiskCounts
from broker.domain.notice import NewNotice
from broker.domain.outage import Outage, ProcessReport
from broker.domain.proofs import Ping, SyntheticStep, SyntheticTest
from broker.ledger.alarms import add_notices
from broker.ledger.database import Connection, Part, json_text, rows
from broker.ledger.monitoring import risk_counts


class OutageStep:
    """One transaction about an outage; what it writes is written together or not at all."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def begin_outage(
        self, id_: UUID, *, began: datetime, missing: Sequence[str], now: datetime
    ) -> Outage | None:
        """Begin an outage; None where one runs already."""
        params = {"id": id_, "began": began, "missing": list(missing), "now": now}
        return self._outage("health/begin_outage", params)

    def repeat_outage(
        self, *, missing: Sequence[str], before: datetime, now: datetime
    ) -> Outage | None:
        """Take the next alarm of the outage that runs; None unless the last was ``before``."""
        params = {"missing": list(missing), "before": before, "now": now}
        return self._outage("health/repeat_outage", params)

    def end_outage(self, *, now: datetime) -> Outage | None:
        """End the outage that runs; None where none does. Alerts about it that wait are void."""
        return self._outage("health/end_outage", {"now": now})

    def write_outage_event(
        self, kind: str, organisation: str | None, data: Mapping[str, Any], *, now: datetime
    ) -> None:
        """Write an event about an outage."""
        params = {"kind": kind, "organisation": organisation, "data": json_text(data), "now": now}
        rows(self._connection, "health/write_outage_event", params)

    def risk_counts(self, *, now: datetime) -> RiskCounts:
        """Return how much is late and how much soon will be."""
        return risk_counts(self._connection, now=now)

    def add_notices(self, notices: Sequence[NewNotice], *, now: datetime) -> None:
        """Write notices that are to be sent."""
        add_notices(self._connection, notices, now)

    def _outage(self, name: str, params: Mapping[str, Any]) -> Outage | None:
        outages = rows(self._connection, name, params)
        return Outage(**outages[0]) if outages else None


class Health(Part):
    """Beats, reports and outages."""

    def beats(self, names: Sequence[str]) -> Mapping[str, datetime | None]:
        """Return until when each lane counts as working; None for one that never worked."""
        until = {
            row["name"]: row["until"] for row in self._rows("health/beats", {"names": list(names)})
        }
        return {name: until.get(name) for name in names}

    def write_report(self, report: ProcessReport) -> None:
        """Write what a process has seen, in place of what it had seen before."""
        params = {
            "process": report.process,
            "part": report.part,
            "now": report.reported_at,
            "seen": json_text(report.seen),
        }
        self._rows("health/write_report", params)

    def reports(self, *, since: datetime) -> list[ProcessReport]:
        """Return the reports of the processes that have reported since an instant."""
        return [ProcessReport(**row) for row in self._rows("health/reports", {"since": since})]

    def feed_lag(self, *, now: datetime) -> timedelta:
        """Return for how long events have waited that no feed shows yet."""
        (row,) = self._planned("health/feed_lag", {"now": now})
        return timedelta(seconds=row["seconds"])

    def begin_synthetic_test(self, id_: UUID, *, every: timedelta, now: datetime) -> bool:
        """Begin a test referral, unless one was begun within ``every``; return whether it was."""
        params = {"id": id_, "now": now, "before": now - every}
        return bool(self._rows("health/begin_synthetic_test", params))

    def take_synthetic_test(
        self, *, since: datetime, until: datetime, now: datetime
    ) -> tuple[UUID, datetime] | None:
        """Take the test referral that waits and was begun between two instants, if one does."""
        params = {"since": since, "until": until, "now": now}
        taken = self._rows("health/take_synthetic_test", params)
        return (taken[0]["id"], taken[0]["begun_at"]) if taken else None

    def end_synthetic_test(
        self, id_: UUID, *, step: SyntheticStep | None, code: str | None, now: datetime
    ) -> None:
        """Write where and why a test referral stopped; no step: it came through."""
        params = {"id": id_, "step": step, "code": code, "now": now}
        self._rows("health/end_synthetic_test", params)

    def synthetic_test(self) -> SyntheticTest | None:
        """Return the latest test referral; None where there never was one."""
        tests = self._rows("health/synthetic_test", {})
        if not tests:
            return None
        step = tests[0]["step"]
        return SyntheticTest(**{**tests[0], "step": SyntheticStep(step) if step else None})

    def add_test_organisation(self, code: OrganisationCode) -> None:
        """Add the organisation of a test referral; only in what is rolled back."""
        self._rows("health/add_test_organisation", {"code": code})

    def write_ping(self, *, code: str | None, status: int | None, now: datetime) -> None:
        """Write how the monitor outside answered the latest call; no code: well."""
        self._rows("health/write_ping", {"code": code, "status": status, "now": now})

    def ping(self) -> Ping | None:
        """Return the latest call of the monitor outside; None where there never was one."""
        pings = self._rows("health/ping", {})
        return Ping(**pings[0]) if pings else None

    def running_outage(self) -> Outage | None:
        """Return the outage that runs, if one does."""
        outages = self._rows("health/running_outage", {})
        return Outage(**outages[0]) if outages else None

    @contextmanager
    def outage_step(self) -> Iterator[OutageStep]:
        """Run a transaction about an outage."""
        with self._transaction() as connection:
            yield OutageStep(connection)
