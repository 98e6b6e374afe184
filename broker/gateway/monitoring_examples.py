"""Examples of what ops watch and act on without a browser: invented, every one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_AT = "2026-12-18T16:50:00Z"
_DUE_AT = "2026-12-18T17:50:00Z"
_PLAN = "01977f2e-b050-7b55-8d04-3e4f50617283"
_DEADLINE = {
    "referral": "01977f2e-6a00-7c11-8a01-0a1b2c3d4e5f",
    "reference": "SP-2026-0001",
    "publisher": "staffordshire-police",
    "delivery": "01977f2e-6b10-7d22-9b02-1b2c3d4e5f60",
    "agency": "stoke-csc",
    "agency_name": "Stoke-on-Trent children's social care",
    "state": "collected",
    "attempt": 1,
    "clock_start": "2026-12-18T13:50:00Z",
    "trouble": None,
    "milestone": "acknowledge",
    "due_at": _DUE_AT,
    "why": "soon",
    "grade": "high",
    "escalation": None,
    "escalation_state": None,
    "owner": None,
}
_ENTRY = {
    "name": "Slipware Lane Academy",
    "kind": "school",
    "nation": "ENG",
    "urn": "900001",
    "hours": {"Mon": "08:00-16:00"},
    "terms": ["2026-09-02 to 2026-12-18"],
    "channel": "mailbox",
    "from": "2026-01-01",
    "contacts": {"duty": {"email": "duty@school.example.org", "telephone": "01632 960137"}},
}
_REPLAY = {
    "id": _PLAN,
    "kind": "send_on",
    "receiver": "shropshire-csc",
    "agency": "stoke-csc",
    "cause": "wrong_area",
    "planned": 3,
    "planned_at": _AT,
    "planned_by": "key:4f9a1c2e5b7d8a60 person:Jo Example",
    "started_by": None,
    "reason": None,
    "per_minute": 60,
    "state": "planned",
    "done": 0,
    "failed": 0,
    "started_at": None,
    "ended_at": None,
    "lines": [
        {
            "agency": "stoke-csc",
            "cause": "wrong_area",
            "count": 3,
            "oldest_at": _AT,
            "overdue": 1,
            "replayed_before": 0,
        }
    ],
    "views": [
        {
            "count": 3,
            "view": "social-care",
            "shows": ["children: name, date of birth, address"],
            "refused": None,
            "message": "What social care needs to protect a child.",
        }
    ],
}
_GROUP = {
    "cause": "too-large",
    "agency": "stoke-csc",
    "count": 3,
    "oldest_at": _AT,
    "latest_at": _AT,
    "next_due_at": _DUE_AT,
}


_ORGANISATION = {
    "code": "school-900001",
    "version": 4,
    "in_force": 3,
    "etag": "4.3",
    "entry": _ENTRY,
    "later": [
        {
            "version": 4,
            "starts_at": _DUE_AT,
            "changes": ["/contacts/duty/telephone"],
            "entry": _ENTRY,
        }
    ],
    "versions": [
        {
            "version": 3,
            "starts_at": _AT,
            "in_force_at": _AT,
            "by": "key:0a1b2c3d4e5f6071 person:Jo Example",
            "reason": "New duty telephone.",
        }
    ],
    "policy_version": "2026-12-01-0a1b2c3d.418",
}
_DIRECTORY = {
    "organisations": {
        "organisations": [
            {
                "code": "stoke-csc",
                "name": "Stoke-on-Trent children's social care",
                "kind": "social-care",
                "version": 3,
            }
        ],
        "next": None,
    },
    "organisation": _ORGANISATION,
    "change-organisation": {
        "entry": _ENTRY,
        "reason": "New duty telephone.",
        "by": "Jo Example",
    },
    "patch-organisation": {
        "entry": {"contacts": {"duty": {"telephone": "01632 960199", "sms": None}}},
        "reason": "New duty telephone.",
        "by": "Jo Example",
    },
}
_AGENCIES = {
    "agency-status": {
        "agency": "stoke-csc",
        "name": "Stoke-on-Trent children's social care",
        "kind": "social-care",
        "channel": "mailbox",
        "seen_at": _AT,
        "suspended_at": _AT,
        "suspended_by": "key:4f9a1c2e5b7d8a60 person:Jo Example",
        "suspended_because": "Their system is being rebuilt.",
    },
    "act-on-agency": {"reason": "Their system is being rebuilt.", "by": "Jo Example"},
}
_REPLAYS = {
    "dead-letters": {"dead_letters": [_GROUP]},
    "plan-replay": {
        "by": "Jo Example",
        "id": _PLAN,
        "agency": "stoke-csc",
        "cause": "wrong_area",
        "receiver": "shropshire-csc",
        "per_minute": 60,
    },
    "replay": _REPLAY,
    "start-replay": {"reason": "Their team has moved.", "count": 3, "by": "Jo Example"},
}
_MEASURES = {
    "at": _AT,
    "oldest": {"seconds": 10800.0, "agency": "stoke-csc"},
    "latency": {"seconds": 3600.0, "agency": "stoke-csc"},
    "silence": {"seconds": 420.0, "agency": "shropshire-csc"},
    "sweeper": {"seconds": 0.0, "agency": None},
}


def monitoring_examples(health: Mapping[str, Any], queue: Mapping[str, Any]) -> dict[str, Any]:
    """Return an example of each of these kinds, around examples of its parts."""
    return {
        "monitor": {
            "at": _AT,
            "health": health,
            "open": 14,
            "unrouted": 2,
            "breached": 2,
            "due_soon": 1,
            "bands": {"breached": {"high": 2}, "60": {"high": 1}, "more": {"low": 11}},
            "at_risk": [_DEADLINE],
            "queues": [queue],
        },
        "open-deadlines": {"at": _AT, "deadlines": [_DEADLINE]},
        "measures": _MEASURES,
        **_AGENCIES,
        **_DIRECTORY,
        **_REPLAYS,
    }
