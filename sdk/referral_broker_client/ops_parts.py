"""Parts of the ops side: what is open, the directory, who deals with what, replays, dry runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

from referral_broker_client.http_client import HttpClient, Json, version_seen


class Monitoring:
    """Whether the broker works, and what is open, at risk and late."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    def health(self) -> Json:
        """Return whether the broker works, and what does not."""
        value: Json = self._http.get("/v1/health").json()
        return value

    def monitor(self) -> Json:
        """Return whether the broker works, what is open and at risk, and every queue."""
        value: Json = self._http.get("/v1/monitor").json()
        return value

    def queues(self) -> list[Json]:
        """Return counts and ages of every agency's queue that is not empty."""
        queues: list[Json] = self._http.get("/v1/queues").json()["queues"]
        return queues

    def deadlines(
        self,
        *,
        within: float | None = None,
        agency: str | None = None,
        everything: bool = False,
        limit: int | None = None,
    ) -> Json:
        """Return open work that is late or due ``within`` so many seconds, or everything open.

        At most ``limit`` items, 200 without it. Raises ``NotFound`` for an unknown agency.
        """
        query = {"within": within, "agency": agency, "limit": limit}
        given = {name: str(value) for name, value in query.items() if value is not None}
        flag = {"all": "true"} if everything else {}
        value: Json = self._http.get("/v1/deadlines", given | flag).json()
        return value

    def measures(self, agency: str | None = None) -> Json:
        """Return figures in seconds, of one agency or the worst of all, to compare with limits.

        Raises ``NotFound`` for an unknown agency.
        """
        query = {"agency": agency} if agency else {}
        value: Json = self._http.get("/v1/measures", query).json()
        return value


class Agencies:
    """Whether an agency is suspended; suspends and resumes delivery to it."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    def status(self, code: str) -> Json:
        """Return when an agency was last seen, and whether it is suspended.

        Raises ``NotFound`` when there is none with this code.
        """
        value: Json = self._http.get(_agency_path(code)).json()
        return value

    def suspend(self, code: str, reason: str, *, by: str) -> Json:
        """Stop offering deliveries to an agency. Raises ``Conflict`` if somebody else has."""
        body = {"reason": reason, "by": by}
        value: Json = self._http.post(f"{_agency_path(code)}/suspend", body).json()
        return value

    def resume(self, code: str, reason: str, *, by: str) -> Json:
        """Offer deliveries to an agency again. Raises ``Conflict`` when it is not suspended."""
        body = {"reason": reason, "by": by}
        value: Json = self._http.post(f"{_agency_path(code)}/resume", body).json()
        return value


class Organisations:
    """The directory, one organisation at a time."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    def page(self, after: str = "") -> tuple[list[Json], str | None]:
        """Return organisations by code, and from where the next page goes on; None at the end."""
        answer: Json = self._http.get("/v1/organisations", {"after": after}).json()
        return answer["organisations"], answer["next"]

    def show(self, code: str) -> Json:
        """Return what an organisation is (``entry``) and is set to be (``later``).

        ``etag`` is what a change names as seen. Raises ``NotFound`` when there is none with this
        code.
        """
        value: Json = self._http.get(_organisation_path(code)).json()
        return value

    def change(
        self,
        code: str,
        fields: Json,
        reason: str,
        *,
        by: str,
        etag: str,
        starts_at: datetime | None = None,
    ) -> Json:
        """Change fields of an organisation, and return it; what is not named stays as it is.

        ``fields`` is a merge patch (RFC 7396) of its entry: None takes a field out, a list is
        replaced whole. ``etag`` is of what you read. It counts at once, or from ``starts_at`` on;
        what is set for later has the change too, but keeps each field to which it gives another
        value. Raises ``Invalid`` with every fault, and ``Conflict`` when it was changed since.
        """
        body = _entry_body(fields, reason, by, starts_at)
        seen = {"If-Match": f'"{etag}"'}
        value: Json = self._http.patch(_organisation_path(code), body, headers=seen).json()
        return value

    def replace(
        self,
        code: str,
        entry: Json,
        reason: str,
        *,
        by: str,
        etag: str | None = None,
        starts_at: datetime | None = None,
    ) -> Json:
        """Make an organisation what an entry says, whole, and return it; with no ``etag`` add it.

        Otherwise as ``change``.
        """
        seen = {"If-None-Match": "*"} if etag is None else {"If-Match": f'"{etag}"'}
        body = _entry_body(entry, reason, by, starts_at)
        value: Json = self._http.put(_organisation_path(code), body, headers=seen).json()
        return value


class EscalationOwners:
    """Who deals with an escalation: it is released, or handed over to a colleague."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    def release(self, escalation: str | UUID, *, by: str, note: str | None = None) -> Json:
        """Stop dealing with an escalation: people are alerted again where the alerts stopped."""
        body = {"by": by} | ({"note": note} if note else {})
        value: Json = self._http.post(f"/v1/escalations/{escalation}/release", body).json()
        return value

    def hand_over(
        self, escalation: str | UUID, *, by: str, to: str, note: str | None = None
    ) -> Json:
        """Ask a person of ops to take an escalation over; ``by`` deals with it until then.

        Raises Conflict where ``by`` does not deal with it, Invalid for an unknown person.
        """
        body = {"by": by, "to": to} | ({"note": note} if note else {})
        value: Json = self._http.post(f"/v1/escalations/{escalation}/hand-over", body).json()
        return value


class Replays:
    """What cannot be delivered; plans to replay or redirect it."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    def dead_letters(self) -> list[Json]:
        """Return what cannot be delivered, counted by cause and agency."""
        value: list[Json] = self._http.get("/v1/dead-letters").json()["dead_letters"]
        return value

    def plan(
        self,
        *,
        by: str,
        agency: str | None = None,
        cause: str | None = None,
        receiver: str | None = None,
        per_minute: int | None = None,
    ) -> Json:
        """Plan to replay dead letters, or to redirect them to ``receiver``; nothing changes yet."""
        # An id of our own, so that a repeated request makes no second plan.
        body: dict[str, Any] = {"id": str(uuid4()), "by": by, "agency": agency, "cause": cause}
        body |= {"receiver": receiver, "per_minute": per_minute}
        given = {name: value for name, value in body.items() if value is not None}
        value: Json = self._http.post("/v1/replays", given).json()
        return value

    def progress(self, plan: str | UUID) -> Json:
        """Return a plan for dead letters and how far it has come."""
        value: Json = self._http.get(f"/v1/replays/{plan}").json()
        return value

    def start(self, plan: str | UUID, reason: str, *, count: int, by: str | None = None) -> Json:
        """Start a plan; ``count`` is the number in it, and ``by`` the person who starts it.

        Raises ``Invalid`` for another number, and ``Conflict`` when it was started before.
        """
        body = {"reason": reason, "count": count} | ({"by": by} if by else {})
        value: Json = self._http.post(f"/v1/replays/{plan}/start", body).json()
        return value


class DryRuns:
    """What an act would write: each is the act itself, rolled back. Raises what the act raises."""

    def __init__(self, http: HttpClient) -> None:
        self._http = http

    def suspend(self, code: str, reason: str, *, by: str) -> Json:
        """Return what the suspension of an agency would write: ``events`` and ``deliveries``."""
        body = {"reason": reason, "by": by}
        value: Json = self._http.post(f"{_agency_path(code)}/suspend/preview", body).json()
        return value

    def release_hold(
        self,
        delivery: str | UUID,
        reason: str,
        *,
        by: str | None = None,
        expected_version: int | None = None,
    ) -> Json:
        """Return what the release of a held delivery would write."""
        path = f"/v1/deliveries/{delivery}/hold/release/preview"
        body = hold_decision(reason, by, expected_version)
        value: Json = self._http.post(path, body).json()
        return value


def hold_decision(reason: str, by: str | None, expected_version: int | None) -> Json:
    """Return why a person decides about a held delivery, who it is, and which version they saw."""
    return {"reason": reason, **version_seen(expected_version), **({"by": by} if by else {})}


def _entry_body(entry: Json, reason: str, by: str, starts_at: datetime | None) -> Json:
    when = {"starts_at": starts_at.isoformat()} if starts_at else {}
    return {"entry": entry, "reason": reason, "by": by, **when}


def _organisation_path(code: str) -> str:
    return f"/v1/organisations/{quote(code, safe='')}"


def _agency_path(code: str) -> str:
    return f"/v1/agencies/{quote(code, safe='')}"
