"""Part of steps 3 and 4: render a delivery for its agency, its view of the referral and the task.

A view is computed when it is read, from the document as received and the policy version of the
delivery. So the ledger never holds a second copy of any content.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import orjson

from broker.domain.codes import DeliveryKind, Milestone
from broker.domain.delivery import Offer
from broker.domain.states import DeliveryState
from broker.flow.policy_cache import PolicyCache
from broker.policy import disclosure
from broker.policy.disclosure import CHILD_ID, CHILDREN, HANDLING
from broker.policy.language.vocabulary import SOCIAL_CARE
from broker.policy.monitoring.recurrence import CODE as RECURRENCE
from broker.policy.published.policy import Policy
from schemas import tolerance
from schemas.shown_text import shown_document

RECURRENCE_IS_FOR = (SOCIAL_CARE, "out-of-hours")


def render(offer: Offer, policies: PolicyCache) -> dict[str, Any]:
    """Return a delivery as its agency sees it, the handling instructions before the content."""
    policy = policies.version(offer.policy_version)
    received = orjson.loads(offer.body)
    document = tolerance.treated(received, offer.defects, offer.accepted_at)
    is_shown = _is_shown(offer)
    content = _content(offer, document, policy) if is_shown else {}
    handling = content.pop(HANDLING, {})
    return {
        "delivery": str(offer.id),
        "referral": str(offer.referral),
        "reference": offer.reference,
        "kind": str(offer.kind),
        "version": offer.version,
        "latest_version": offer.latest_version,
        "follows": str(offer.follows) if offer.follows else None,
        "changed": offer.explanation.get("changed", []),
        "recall_reason": offer.explanation.get("recall_reason"),
        "publisher": offer.publisher,
        "agency": offer.agency,
        "state": str(offer.state),
        "attempt": offer.attempt,
        "lease": _lease(offer),
        "handling": handling,
        "role": str(offer.role),
        "view": offer.view,
        "why": _why(offer),
        "grade": offer.grade,
        "effective_grade": offer.effective_grade,
        "accepted_at": offer.accepted_at.isoformat(),
        "available_at": offer.available_at.isoformat(),
        "deadlines": deadlines(offer),
        "deadline_words": {
            deadline["milestone"]: deadline["words"] for deadline in offer.explanation["deadlines"]
        },
        "defects": _defects(offer, received, document, policy) if is_shown else [],
        "warnings": warnings(offer, document, policy) if is_shown else [],
        "content": content,
    }


def _is_shown(offer: Offer) -> bool:
    """Tell whether content is shown; nothing of a recalled referral is, whatever was answered."""
    is_ended = offer.kind is DeliveryKind.RECALL or offer.state is DeliveryState.RECALLED
    return offer.stands and not is_ended


def _content(offer: Offer, document: Mapping[str, Any], policy: Policy) -> dict[str, Any]:
    content = disclosure.render(offer.view, document=document, scope=offer.scope, policy=policy)
    shown: dict[str, Any] = shown_document(content)
    return shown


def _defects(
    offer: Offer, received: Mapping[str, Any], document: Mapping[str, Any], policy: Policy
) -> list[dict[str, Any]]:
    """Return the defects; what was written is shown to who may see the field."""
    return [
        {**defect, "original": tolerance.original(received, defect["pointer"])}
        if "treatment" in defect and _may_see(offer, defect["pointer"], received, document, policy)
        else dict(defect)
        for defect in offer.defects
    ]


def _may_see(
    offer: Offer,
    pointer: str,
    received: Mapping[str, Any],
    document: Mapping[str, Any],
    policy: Policy,
) -> bool:
    return disclosure.may_see(
        offer.view,
        pointer,
        document=document,
        scope=offer.scope,
        policy=policy,
        id_at=partial(tolerance.local_id, received, offer.defects),
    )


def warnings(offer: Offer, document: Mapping[str, Any], policy: Policy) -> list[dict[str, str]]:
    """Return the warnings that concern an agency.

    Only social care is told how often a child was referred, and only of children in its scope.
    """
    agency = policy.directory.organisation(offer.agency)
    is_entitled = agency is not None and agency.kind in RECURRENCE_IS_FOR
    seen = {
        f"/children/{number}"
        for number, child in enumerate(document.get(CHILDREN, ()))
        if is_entitled and child[CHILD_ID] in offer.scope["children"]
    }
    return [
        dict(warning)
        for warning in offer.warnings
        if warning["code"] != RECURRENCE or warning["pointer"] in seen
    ]


def deadlines(offer: Offer) -> dict[str, str | None]:
    """Return each milestone's deadline, null where there is none."""
    return {
        f"{milestone}_by": due.isoformat() if (due := offer.due.get(milestone)) else None
        for milestone in Milestone
    }


def _lease(offer: Offer) -> dict[str, str] | None:
    if offer.lease is None:
        return None
    return {"id": str(offer.lease.id), "until": offer.lease.until.isoformat()}


def _why(offer: Offer) -> str:
    explanation = offer.explanation
    return " ".join([explanation["sentence"], *explanation.get("because", ())])
