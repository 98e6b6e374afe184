"""The page of policies: the current one and earlier ones, to read and compare."""

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
    """Show a version's rules and what changed in it; the current version unless one is named."""
    values = await visit.desk.run(_values, visit)
    return page("policy", visit=visit, **values)


def _values(visit: Visit) -> dict[str, Any]:
    context = visit.desk.context
    versions = context.ledger.policies.policies(limit=LISTED)
    known = [version.version for version in versions]
    wanted = visit.request.query_params.get("version")
    in_force = context.ledger.policies.head(None)
    head = context.ledger.policies.head(wanted) if wanted else in_force
    if head is None or head.based_on not in known:
        raise NotFound("No policy has this version, or it is not one of the latest 100.")
    place = known.index(head.based_on)
    before = known[place + 1] if place + 1 < len(known) else None
    policy = context.policies.version(head.version)
    changes: Sequence[Change] = ()
    if before and "changes" in visit.request.query_params:
        changes = compare(context.policies.with_revision(before, head.revision), policy)
    return {
        "policy": policy,
        "based_on": head.based_on,
        "changes_of_directory": head.revision,
        "version": versions[place],
        "in_force": head == in_force,
        "before": before,
        "compared": "changes" in visit.request.query_params,
        "changes": changes,
        "rows": [(row, list(_deadlines(row))) for row in policy.routing_rules],
        "versions": versions,
    }


def _deadlines(row: RoutingRule) -> Any:
    """Yield grades that have the same deadlines, with those deadlines in words."""
    by_grade = [(grade, _in_words(row.deadlines.get(grade, {}))) for grade in Grade]
    for clocks, grades in groupby(by_grade, key=lambda pair: pair[1]):
        yield [str(grade) for grade, _ in grades], clocks


def _in_words(clocks: Mapping[Milestone, Any]) -> tuple[tuple[str, str], ...]:
    return tuple((str(milestone), str(clock)) for milestone, clock in clocks.items())
