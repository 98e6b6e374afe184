"""The policy in force and those before it: to be read and compared. It is changed elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from starlette.responses import Response

from broker.dashboard.access import Visit
from broker.dashboard.rendering import page
from broker.domain.codes import Grade, Milestone
from broker.errors import NotFound
from broker.policy.language.rules import RoutingRule
from broker.policy.published.diff import Change, compare

LISTED = 100
"""Versions."""


async def show(visit: Visit) -> Response:
    """Show a version's rows and what changed in it; the one in force unless another is named."""
    found = await visit.desk.run(_found, visit)
    return page("policy", visit=visit, **found)


def _found(visit: Visit) -> dict[str, Any]:
    context = visit.desk.context
    versions = context.ledger.policies.policies(limit=LISTED)
    known = [version.version for version in versions]
    asked = visit.request.query_params.get("version") or (known[0] if known else "")
    if asked not in known:
        raise NotFound("There is no policy of this version, or it is not among the latest.")
    place = known.index(asked)
    before = known[place + 1] if place + 1 < len(known) else None
    book = context.policies.version(asked)
    changes: Sequence[Change] = ()
    if before and "changes" in visit.request.query_params:
        changes = compare(context.policies.version(before), book)
    return {
        "book": book,
        "version": versions[place],
        "in_force": place == 0,
        "before": before,
        "compared": "changes" in visit.request.query_params,
        "changes": changes,
        "rows": [(row, list(_deadlines(row))) for row in book.rows],
        "versions": versions,
    }


def _deadlines(row: RoutingRule) -> Any:
    """Yield grades that have the same deadlines, with them in words."""
    by_grade = [(grade, _said(row.deadlines.get(grade, {}))) for grade in Grade]
    for said, grades in groupby(by_grade, key=lambda pair: pair[1]):
        yield [str(grade) for grade, _ in grades], said


def _said(clocks: Mapping[Milestone, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((str(milestone), str(clock)) for milestone, clock in clocks.items())
