"""The ops side: what nobody owns at the moment, and the two ways to give it an owner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Self
from uuid import UUID

from referral_broker_client.wire import Json, Wire


class Ops:
    """Sees what needs a person and acts on it. Safe to share between threads, and to repeat."""

    def __init__(self, url: str, key: str) -> None:
        self._wire = Wire(url, key)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def attention(self) -> Json:
        """Return what is unroutable, undeliverable, returned without a successor, or refused."""
        value: Json = self._wire.get("/v1/attention").json()
        return value

    def deadline_report(self, since: str, until: str) -> Json:
        """Return the deadline figures of what was accepted from a day to another, both whole."""
        asked = {"from": since, "to": until}
        value: Json = self._wire.get("/v1/reports/deadlines", asked).json()
        return value

    def deadline_report_csv(self, since: str, until: str) -> str:
        """Return the same as CSV."""
        asked = {"from": since, "to": until}
        return self._wire.get("/v1/reports/deadlines.csv", asked).body.decode()

    def give_areas(self, referral: str | UUID, areas: Mapping[str, str]) -> Json:
        """Give children or persons (by local id) of an unroutable referral their area codes."""
        path = f"/v1/referrals/{referral}/areas"
        value: Json = self._wire.post(path, {"areas": dict(areas)}).json()
        return value

    def route_again(self, referral: str | UUID) -> Json:
        """Route an unroutable referral again, as it is, under the policy in force."""
        value: Json = self._wire.post(f"/v1/referrals/{referral}/reroute", {}).json()
        return value

    def escalations(self) -> Json:
        """Return the running escalations: of ops all, of others their own."""
        value: Json = self._wire.get("/v1/escalations").json()
        return value

    def acknowledge(self, escalation: str | UUID, *, by: str) -> Json:
        """Say that a person sees to an escalation: nobody further up is told."""
        path = f"/v1/escalations/{escalation}/acknowledge"
        value: Json = self._wire.post(path, {"by": by}).json()
        return value

    def pause(self, delivery: str | UUID, reason: str) -> Json:
        """Let the clocks of a delivery stand that policy lets stand."""
        path = f"/v1/deliveries/{delivery}/pause"
        value: Json = self._wire.post(path, {"reason": reason}).json()
        return value

    def resume(self, delivery: str | UUID) -> Json:
        """Let the clocks of a delivery go on."""
        value: Json = self._wire.post(f"/v1/deliveries/{delivery}/resume", {}).json()
        return value

    def reroute(
        self, delivery: str | UUID, *, agency: str | None = None, area: str | None = None
    ) -> Json:
        """Send a returned or undeliverable part to another agency, or to another area's."""
        target = {"agency": agency, "area": area}
        said = {name: value for name, value in target.items() if value is not None}
        value: Json = self._wire.post(f"/v1/deliveries/{delivery}/reroute", said).json()
        return value
