"""The ops side: lists what has no owner, and acts on it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Self
from uuid import UUID

from referral_broker_client.http_client import HttpClient, Json, version_seen
from referral_broker_client.ops_parts import (
    Agencies,
    DryRuns,
    EscalationOwners,
    Monitoring,
    Organisations,
    Replays,
    hold_decision,
)


class Ops:
    """Lists what needs a person and acts on it. Safe to share between threads, and to repeat.

    Its parts are ``monitoring``, ``agencies``, ``organisations``, ``escalation_owners``,
    ``replays`` and ``dry_runs``.
    """

    def __init__(self, url: str, key: str) -> None:
        self._http = HttpClient(url, key)
        self.monitoring = Monitoring(self._http)
        self.agencies = Agencies(self._http)
        self.organisations = Organisations(self._http)
        self.escalation_owners = EscalationOwners(self._http)
        self.replays = Replays(self._http)
        self.dry_runs = DryRuns(self._http)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def attention(self) -> Json:
        """Return what is unroutable, undeliverable, returned without a successor, or rejected."""
        value: Json = self._http.get("/v1/attention").json()
        return value

    def notices(self, state: str | None = None) -> list[Json]:
        """Return the notices to contacts, all or those in one state, the latest first.

        ``state``: due, sending, sent, failed or void.
        """
        asked = {"state": state} if state else {}
        value: list[Json] = self._http.get("/v1/notices", asked).json()["notices"]
        return value

    def deadline_report(self, since: str, until: str) -> Json:
        """Return the deadline figures of referrals accepted from one day to another, inclusive."""
        period = {"from": since, "to": until}
        value: Json = self._http.get("/v1/reports/deadlines", period).json()
        return value

    def deadline_report_csv(self, since: str, until: str) -> str:
        """Return the same figures as CSV."""
        period = {"from": since, "to": until}
        return self._http.get("/v1/reports/deadlines.csv", period).body.decode()

    def inspection_report(
        self, name: str, since: str, until: str, *, force: str | None = None
    ) -> Json:
        """Return a report for inspectors, of one force or of all.

        ``name`` is ``promptness``, ``voice``, ``missing``, ``quality`` or ``decisions``.
        """
        query = {"from": since, "to": until} | ({"force": force} if force else {})
        value: Json = self._http.get(f"/v1/reports/{name}", query).json()
        return value

    def inspection_report_csv(
        self, name: str, since: str, until: str, *, force: str | None = None
    ) -> str:
        """Return the same report as CSV."""
        query = {"from": since, "to": until} | ({"force": force} if force else {})
        return self._http.get(f"/v1/reports/{name}.csv", query).body.decode()

    def give_areas(
        self,
        referral: str | UUID,
        areas: Mapping[str, str],
        *,
        expected_version: int | None = None,
    ) -> Json:
        """Set the area codes of an unroutable referral, by the local ids of its people.

        The key ``referral`` gives an area to the referral itself, when nobody is listed in it.
        ``expected_version``: the version of the referral that the person saw; raises ``Conflict``
        when it was corrected since.
        """
        path = f"/v1/referrals/{referral}/areas"
        body = {"areas": dict(areas), **version_seen(expected_version)}
        value: Json = self._http.post(path, body).json()
        return value

    def retry_routing(self, referral: str | UUID) -> Json:
        """Route an unroutable or rejected referral again, unchanged, under the policy in force."""
        value: Json = self._http.post(f"/v1/referrals/{referral}/reroute", {}).json()
        return value

    def settle_task(self, task: str | UUID, reason: str, *, by: str | None = None) -> Json:
        """Record that a person has dealt with a task, and how."""
        body = {"reason": reason} | ({"by": by} if by else {})
        value: Json = self._http.post(f"/v1/tasks/{task}/settle", body).json()
        return value

    def embargoes(self) -> Json:
        """Return the held deliveries and until when: all for ops, its own for a publisher."""
        value: Json = self._http.get("/v1/embargoes").json()
        return value

    def release_hold(
        self,
        delivery: str | UUID,
        reason: str,
        *,
        by: str | None = None,
        expected_version: int | None = None,
    ) -> Json:
        """Offer a held delivery to its agency now.

        ``expected_version``: the version of its referral that the person saw. Raises ``Conflict``
        when it is not held, or its referral was corrected since.
        """
        return self._decide("release", delivery, hold_decision(reason, by, expected_version))

    def keep_hold(
        self,
        delivery: str | UUID,
        reason: str,
        *,
        by: str | None = None,
        expected_version: int | None = None,
    ) -> Json:
        """Record that a person keeps a delivery held. Raises as ``release_hold`` does."""
        return self._decide("keep", delivery, hold_decision(reason, by, expected_version))

    def extend_hold(
        self,
        delivery: str | UUID,
        until: datetime,
        reason: str,
        *,
        by: str | None = None,
        expected_version: int | None = None,
    ) -> Json:
        """Hold a held delivery until a later instant, which is aware of its time zone.

        Raises as ``release_hold`` does, and ``Invalid`` when the end would not be later.
        """
        body = {"until": until.isoformat(), **hold_decision(reason, by, expected_version)}
        return self._decide("extend", delivery, body)

    def _decide(self, decision: str, delivery: str | UUID, body: Json) -> Json:
        path = f"/v1/deliveries/{delivery}/hold/{decision}"
        value: Json = self._http.post(path, body).json()
        return value

    def escalations(self) -> Json:
        """Return the running escalations: all for ops, their own for other organisations."""
        value: Json = self._http.get("/v1/escalations").json()
        return value

    def acknowledge_escalation(self, escalation: str | UUID, *, by: str) -> Json:
        """Record that a person has taken an escalation on; it alerts nobody further up."""
        path = f"/v1/escalations/{escalation}/acknowledge"
        value: Json = self._http.post(path, {"by": by}).json()
        return value

    def pause_clock(self, delivery: str | UUID, reason: str) -> Json:
        """Pause the deadlines of a delivery that policy allows to be paused."""
        path = f"/v1/deliveries/{delivery}/pause"
        value: Json = self._http.post(path, {"reason": reason}).json()
        return value

    def resume_clock(self, delivery: str | UUID) -> Json:
        """Resume the paused deadlines of a delivery."""
        value: Json = self._http.post(f"/v1/deliveries/{delivery}/resume", {}).json()
        return value

    def redirect(
        self,
        delivery: str | UUID,
        *,
        agency: str | None = None,
        area: str | None = None,
        expected_version: int | None = None,
    ) -> Json:
        """Redirect a returned or undeliverable delivery to an agency, or to an area's agency.

        Raises ``Conflict`` where it must not go there; the error says why. Ask
        ``preview_redirect`` first, and show a person what it says. ``expected_version``: the
        version of its referral that the person saw; ``Conflict`` as well when it was corrected
        since.
        """
        path = f"/v1/deliveries/{delivery}/reroute"
        body = {**_target(agency, area), **version_seen(expected_version)}
        value: Json = self._http.post(path, body).json()
        return value

    def preview_redirect(
        self,
        delivery: str | UUID,
        *,
        agency: str | None = None,
        area: str | None = None,
        expected_version: int | None = None,
    ) -> Json:
        """Return who would get a delivery, what they would see and by when; change nothing.

        Raises as ``redirect`` does.
        """
        path = f"/v1/deliveries/{delivery}/reroute/preview"
        body = {**_target(agency, area), **version_seen(expected_version)}
        value: Json = self._http.post(path, body).json()
        return value


def _target(agency: str | None, area: str | None) -> Json:
    target = {"agency": agency, "area": area}
    return {name: value for name, value in target.items() if value is not None}
