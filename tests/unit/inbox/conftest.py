"""Deliveries as the broker renders them, made of shipped samples without a ledger."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from broker.devstack import sample_referrals
from broker.policy import disclosure
from broker.policy.disclosure import PERSONS
from broker.policy.published.policy import Policy
from schemas.shown_text import shown_document

NOW = datetime(2026, 12, 22, 10, 25, tzinfo=UTC)
ORGANISATIONS = {
    "staffordshire-police": "Staffordshire Police",
    "stoke-csc": "Stoke-on-Trent children's social care",
}
ENVELOPE: dict[str, Any] = {
    "delivery": "0199d2a0-0000-7000-8000-000000000001",
    "referral": "0199d2a0-0000-7000-8000-000000000002",
    "reference": "SP/2026/4471",
    "kind": "referral",
    "version": 1,
    "latest_version": 1,
    "follows": None,
    "changed": [],
    "recall_reason": None,
    "handed_over": {},
    "publisher": "staffordshire-police",
    "agency": "stoke-csc",
    "state": "available",
    "attempt": 0,
    "lease": None,
    "handling": {},
    "role": "lead",
    "view": "social-care",
    "why": "A child who may be at risk lives in this council's area.",
    "grade": "high",
    "effective_grade": "high",
    "accepted_at": "2026-12-22T10:00:00+00:00",
    "available_at": "2026-12-22T10:00:00+00:00",
    "deadlines": {
        "collect_by": None,
        "acknowledge_by": "2026-12-22T14:00:00+00:00",
        "decide_by": "2026-12-23T17:00:00+00:00",
    },
    "deadline_words": {
        "acknowledge": "4 working hours: Tue 22 Dec 10:00 to 14:00",
        "decide": "close of business on Wed 23 Dec 17:00, 1 working day after Tue 22 Dec",
    },
    "asks": {},
    "defects": [],
    "warnings": [],
    "content": {},
}
Delivery = dict[str, Any]
Make = Callable[..., Delivery]


def full() -> dict[str, Any]:
    """Return the shipped sample that has every field."""
    return dict(sample_referrals.shipped())["full"]


def rendered(content: dict[str, Any], **envelope: Any) -> Delivery:
    """Return a delivery of content that is shown already, with parts of the envelope changed."""
    shown = shown_document(dict(content))
    return {**ENVELOPE, "handling": shown.pop("handling", {}), "content": shown, **envelope}


@pytest.fixture
def deliver(book: Policy) -> Make:
    """Render a document by a view of the shipped policy: ``deliver(full(), "school")``."""

    def make(document: dict[str, Any], view: str = "social-care", **envelope: Any) -> Delivery:
        scope = envelope.pop("scope", None) or {
            "children": [child["id"] for child in document.get("children", ())],
            "persons": [person["id"] for person in document.get(PERSONS, ())],
        }
        content = disclosure.render(
            view, document=document, scope=scope, policy=book, agency=envelope.get("agency", "")
        )
        return rendered(content, view=view, **envelope)

    return make
