"""Who was told about one referral, on what basis, and which version: without content or names.

The API, the command line and the page for printing all show what is put together here.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from typing import Any

from broker.admin.deadline_report import harmless
from broker.domain.codes import Milestone
from broker.domain.delivery import DeliveryStatus
from broker.domain.ids import OrganisationCode
from broker.domain.referral import ReferralStatus

_REFERRAL = ("reference", "publisher", "accepted_at", "recalled_at", "version", "policy_version")
_DELIVERY = ("agency", "version", "row", "view", "available_at", "returned_at", "outcome")
_BASIS = ("sentence", "basis", "source")
_DECISION = ("outcome", "at", "views_considered", "child_told")
_HEAD = ("id", "reference", "publisher")
_COLUMNS = (
    *("agency", "agency_name", "role", "kind", "version", "row", *_BASIS, "view", "state"),
    *("available_at", "collected_at", "acknowledged_at", "decided_at", "returned_at", "outcome"),
)


def who_was_told(referral: ReferralStatus, names: Mapping[OrganisationCode, str]) -> dict[str, Any]:
    """Return each delivery of a referral as a JSON-ready value (schema: told-report).

    ``names`` are the names of organisations by their codes. Oldest delivery first.
    """
    return {
        "id": str(referral.id),
        "state": str(referral.state),
        **{name: getattr(referral, name) for name in _REFERRAL},
        "versions": [
            {
                "version": version.version,
                "digest": version.digest.hex(),
                "accepted_at": version.accepted_at,
            }
            for version in referral.versions
        ],
        "deliveries": [_delivery(delivery, names) for delivery in referral.deliveries],
    }


def as_csv(report: Mapping[str, Any]) -> str:
    """Return the same as CSV (RFC 4180): a header, then a line for each delivery.

    Decisions stand in one cell, oldest first, each with its time.
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow((*_HEAD, *_COLUMNS, "decisions"))
    for line in report["deliveries"]:
        decisions = "; ".join(
            f"{decision['outcome']} {decision['at'].isoformat()}" for decision in line["decisions"]
        )
        cells = [*(report[name] for name in _HEAD), *(line[name] for name in _COLUMNS), decisions]
        writer.writerow(harmless(_plain(cell)) for cell in cells)
    return text.getvalue()


def _delivery(delivery: DeliveryStatus, names: Mapping[OrganisationCode, str]) -> dict[str, Any]:
    return {
        **{name: getattr(delivery, name) for name in _DELIVERY},
        "agency_name": names.get(delivery.agency, delivery.agency),
        "role": str(delivery.role),
        "kind": str(delivery.kind),
        "state": str(delivery.state),
        "collected_at": delivery.met.get(Milestone.COLLECT),
        "acknowledged_at": delivery.met.get(Milestone.ACKNOWLEDGE),
        "decided_at": delivery.met.get(Milestone.DECIDE),
        **{name: delivery.explanation.get(name) for name in _BASIS},
        "decisions": [
            {name: getattr(decision, name) for name in _DECISION} for decision in delivery.decisions
        ],
    }


def _plain(cell: Any) -> Any:
    return cell.isoformat() if hasattr(cell, "isoformat") else cell
