"""The page for printing: who was told about one referral, on what basis, which version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from broker.admin import told_report
from broker.dashboard.access import Visit
from broker.dashboard.pages import identifier
from broker.dashboard.rendering import page
from broker.domain.ids import OrganisationCode, ReferralId
from broker.errors import NotFound, PolicyError


async def show(visit: Visit) -> Response:
    """Show who was told about a referral, without its content."""
    report, names = await visit.desk.run(_report, visit)
    publisher = names.get(report["publisher"], report["publisher"])
    return page("told", visit=visit, report=report, publisher=publisher)


async def download(visit: Visit) -> Response:
    """Return the same as CSV."""
    report, _ = await visit.desk.run(_report, visit)
    headers = {"Content-Disposition": 'attachment; filename="told.csv"'}
    text = told_report.as_csv(report)
    return Response(text, headers=headers, media_type="text/csv; charset=utf-8")


def _report(visit: Visit) -> tuple[dict[str, Any], Mapping[OrganisationCode, str]]:
    id_ = ReferralId(identifier(visit.request.path_params["id"]))
    referral = visit.desk.context.ledger.queries.referral(None, id=id_)
    if referral is None:
        raise NotFound("No referral has this ID.")
    names = _names(visit)
    return told_report.who_was_told(referral, names), names


def _names(visit: Visit) -> Mapping[OrganisationCode, str]:
    """Return every organisation's name; empty before the first policy is published."""
    try:
        return visit.desk.context.policies.latest().directory.names
    except PolicyError:
        return {}
