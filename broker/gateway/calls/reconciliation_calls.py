"""The rows of the table about daily lists and refused bodies."""

from __future__ import annotations

from broker.gateway import (
    operations,
    reconciliations,
)
from broker.gateway.call import Call, Gives, Tag
from broker.gateway.calls.parts import BAD_LIMIT, LIMIT, PUBLISH, PUBLISHER_OR_OPS

RECONCILIATION = (
    Call(
        id="compareList",
        method="POST",
        path="/v1/reconciliations",
        handler=reconciliations.compare,
        tag=Tag.RECONCILIATION,
        summary="Compare your list of a day with the referrals",
        description=(
            "Returns which references of a day's occurrences have no referral. You may send the "
            "list of a day again; the latest one counts."
        ),
        scopes=PUBLISH,
        takes="reconciliation",
        gives={200: Gives("What is missing and what was rejected.", "reconciled")},
    ),
    Call(
        id="listReconciliations",
        method="GET",
        path="/v1/reconciliations",
        handler=reconciliations.list_results,
        tag=Tag.RECONCILIATION,
        summary="List the results of daily lists",
        description="Returns the results of your daily lists; of all publishers' lists for ops.",
        scopes=PUBLISHER_OR_OPS,
        gives={200: Gives("The results, the latest day first.", "reconciliations")},
        problems={422: BAD_LIMIT},
        query={"limit": LIMIT},
    ),
    Call(
        id="listRefusals",
        method="GET",
        path="/v1/refusals",
        handler=operations.refusals,
        tag=Tag.RECONCILIATION,
        summary="List bodies that were rejected and not stored",
        description=(
            "Returns what is known of bodies with prohibited content: digest, size and reason. "
            "Your own, or all for ops."
        ),
        scopes=PUBLISHER_OR_OPS,
        gives={200: Gives("Rejected bodies, the latest first.", "refusals")},
        problems={422: BAD_LIMIT},
        query={"limit": LIMIT},
    ),
)
