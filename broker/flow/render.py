"""Part of steps 3 and 4: render a delivery for its agency, its view of the referral and the task.

A view is computed when it is read, from the document as received and the policy version of the
delivery. So the ledger never holds a second copy of any content.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from broker.domain.codes import DeliveryKind, Milestone
from broker.domain.delivery import Offer
from broker.domain.states import DeliveryState
from broker.flow.policy_cache import PolicyCache
from broker.policy.disclosure import CHILDREN, HANDLING, Disclosed, disclose
from broker.policy.language.evidence import NOWHERE
from broker.policy.language.vocabulary import SOCIAL_CARE
from broker.policy.monitoring.recurrence import CODE as RECURRENCE
from broker.policy.published.policy import Policy
from broker.policy.routing.assignments import reasons_in, shown_reasons
from broker.policy.routing.places_in_words import CODE as PLACE_IN_WORDS
from broker.policy.routing.unread import CODE as UNREAD
from broker.policy.shown_defects import judged_pointer, shown_defects
from schemas import tolerance
from schemas.referral import HARMED
from schemas.shown_text import shown_document

NEEDS = "needs"
"""In a stored warning: what else an agency must be shown to be told it."""
OF_RECEIVED = frozenset({UNREAD, PLACE_IN_WORDS})
"""Warnings about the document as received: where a list was shortened, places in it have moved."""
_DUE = {milestone: f"{milestone}_by" for milestone in Milestone}
RECURRENCE_IS_FOR = (SOCIAL_CARE, "out-of-hours")


def render(offer: Offer, policies: PolicyCache) -> dict[str, Any]:
    """Return a delivery as its agency sees it, the handling instructions before the content."""
    policy = policies.version(offer.policy_version)
    received = orjson.loads(offer.body)
    document = tolerance.treated(received, offer.defects, offer.accepted_at)
    is_shown = _is_shown(offer)
    disclosed = _disclosed(offer, document, policy)
    content: dict[str, Any] = shown_document(dict(disclosed.content)) if is_shown else {}
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
        "recalls": offer.explanation.get("recalls", []),
        "handed_over": offer.explanation.get("handed_over", {}) if is_shown else {},
        "publisher": offer.publisher,
        "agency": offer.agency,
        "state": str(offer.state),
        "attempt": offer.attempt,
        "lease": _lease(offer),
        "handling": handling,
        "role": str(offer.role),
        "view": offer.view,
        "why": _why(offer, disclosed, is_shown=is_shown),
        "grade": offer.grade,
        "effective_grade": offer.effective_grade,
        "accepted_at": offer.accepted_at.isoformat(),
        "available_at": offer.available_at.isoformat(),
        "deadlines": deadlines(offer),
        "deadline_words": {
            deadline["milestone"]: deadline["words"] for deadline in offer.explanation["deadlines"]
        },
        "asks": _asks(offer, content),
        "defects": _defects(offer, received, document, disclosed, policy) if is_shown else [],
        "warnings": _warnings(offer, received, document, disclosed, policy) if is_shown else [],
        "content": content,
    }


def _asks(offer: Offer, content: Mapping[str, Any]) -> dict[str, bool]:
    """Return what a decision is asked to say: of a child whose voice the agency is shown, be it
    one who is alleged to have harmed.

    Inspectors ask whether children's views were considered, and whether children hear of it.
    """
    shown = (*content.get(CHILDREN, ()), *content.get(HARMED, ()))
    is_asked = Milestone.DECIDE in offer.due and any(child.get("voice") for child in shown)
    return dict.fromkeys(("views_considered", "child_told"), is_asked)


def _is_shown(offer: Offer) -> bool:
    """Tell whether content is shown; nothing of a recalled referral is, whatever was answered."""
    is_ended = offer.kind is DeliveryKind.RECALL or offer.state is DeliveryState.RECALLED
    return offer.stands and not is_ended


def _disclosed(offer: Offer, document: Mapping[str, Any], policy: Policy) -> Disclosed:
    return disclose(
        offer.view, document=document, scope=offer.scope, policy=policy, agency=offer.agency
    )


def _defects(
    offer: Offer,
    received: Mapping[str, Any],
    document: Mapping[str, Any],
    disclosed: Disclosed,
    policy: Policy,
) -> list[dict[str, Any]]:
    shaped = tolerance.as_shaped(received, offer.defects)
    return shown_defects(offer.defects, shaped, document, disclosed, view=offer.view, policy=policy)


def _warnings(
    offer: Offer,
    received: Mapping[str, Any],
    document: Mapping[str, Any],
    disclosed: Disclosed,
    policy: Policy,
) -> list[dict[str, Any]]:
    """Return the warnings that concern an agency, pointing into what it is shown.

    Only social care is told how often a child was referred, and only of children in its scope.
    """
    agency = policy.directory.organisation(offer.agency)
    is_entitled = agency is not None and agency.kind in RECURRENCE_IS_FOR
    warnings = [
        _as_judged(warning, received, document, offer)
        if warning["code"] in OF_RECEIVED
        else warning
        for warning in offer.warnings
        if is_entitled or warning["code"] != RECURRENCE
    ]
    return _shown(warnings, disclosed)


def _as_judged(
    warning: Mapping[str, Any],
    received: Mapping[str, Any],
    document: Mapping[str, Any],
    offer: Offer,
) -> Mapping[str, Any]:
    """Return a warning with where it stands in what was judged."""
    shaped = tolerance.as_shaped(received, offer.defects)
    pointer = judged_pointer(warning["pointer"], shaped, document, offer.defects)
    return {**warning, "pointer": NOWHERE if pointer is None else pointer}


def _shown(faults: Sequence[Mapping[str, Any]], disclosed: Disclosed) -> list[dict[str, Any]]:
    """Return the faults about what is shown, each with where that stands in the content."""
    shown = []
    for fault in faults:
        place = disclosed.pointer(fault["pointer"])
        if place is not None and disclosed.shows(fault.get(NEEDS, ())):
            own = {name: value for name, value in fault.items() if name != NEEDS}
            shown.append({**own, "pointer": place})
    return shown


def deadlines(offer: Offer) -> dict[str, str | None]:
    """Return each milestone's deadline, null where there is none."""
    return {
        name: due.isoformat() if (due := offer.due.get(milestone)) else None
        for milestone, name in _DUE.items()
    }


def _lease(offer: Offer) -> dict[str, str] | None:
    if offer.lease is None:
        return None
    return {"id": str(offer.lease.id), "until": offer.lease.until.isoformat()}


def _why(offer: Offer, disclosed: Disclosed, *, is_shown: bool) -> str:
    """Return why an agency has it, without what rests on anything that it is not shown."""
    explanation = offer.explanation
    if is_shown:
        reasons = shown_reasons(explanation, disclosed.shows)
    else:
        reasons = (str(reason) for reason in reasons_in(explanation) if reason.rests_on_nothing)
    sentences = [explanation["sentence"], *reasons]
    return " ".join(f"{sentence.rstrip('.')}." for sentence in sentences if sentence)
