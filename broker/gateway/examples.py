"""One example of each kind of document for the description of the API: invented, every one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from broker.gateway.monitoring_examples import monitoring_examples

_REFERRAL = "01977f2e-6a00-7c11-8a01-0a1b2c3d4e5f"
_DELIVERY = "01977f2e-6b10-7d22-9b02-1b2c3d4e5f60"
_NEXT = "01977f2e-9c40-7a33-8c03-2c3d4e5f6071"
_LEASE = "01977f2e-6c20-7e44-ad04-3d4e5f607182"
_AT = "2026-12-18T16:50:00Z"
_ROUTED_AT = "2026-12-18T16:50:01Z"
_ACKNOWLEDGE_BY = "2026-12-21T12:50:00Z"
_DECIDE_BY = "2026-12-21T17:00:00Z"
_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_ADDRESS = f"/v1/referrals/{_REFERRAL}"
_GAP = {
    "pointer": "/children/0/voice",
    "code": "missing-voice",
    "message": "What the child said and showed is not here, nor why nobody asked.",
}
_DEADLINES = {
    "collect_by": None,
    "acknowledge_by": _ACKNOWLEDGE_BY,
    "decide_by": _DECIDE_BY,
}
_EXPLANATION = {
    "row": "child-area",
    "sentence": "Children's social care of the area where the child lives leads.",
    "recipient": "Stoke-on-Trent children's social care, for the child's area",
}
_RECEIPT = {
    "id": _REFERRAL,
    "reference": "SP-2026-0001",
    "state": "accepted",
    "accepted_at": _AT,
    "digest": _DIGEST,
    "duplicate": False,
    "version": 1,
    "links": {"self": _ADDRESS, "timeline": f"{_ADDRESS}/timeline"},
}
_HEALTH = {
    "level": "failing",
    "sentence": "2 referrals not sent on to any agency yet, the oldest for 4 min.",
    "at": _AT,
    "problems": [
        {
            "code": "unrouted",
            "level": "failing",
            "sentence": "2 referrals not sent on to any agency yet, the oldest for 4 min.",
            "next_step": "Read the workers’ log; start more with `broker worker`.",
            "count": 2,
        },
        {
            "code": "late",
            "level": "late",
            "sentence": "2 late.",
            "next_step": "Telephone the agencies, then take each escalation on.",
            "count": 2,
        },
    ],
    "figures": {"open": 14, "late": 2, "due_soon": 0, "unrouted": 2},
}
_QUEUE = {
    "agency": "stoke-csc",
    "open": 8,
    "held": 0,
    "available": 2,
    "leased": 1,
    "collected": 0,
    "acknowledged": 5,
    "undeliverable": 0,
    "oldest_claimable_at": _ROUTED_AT,
    "oldest_unacknowledged_at": _ROUTED_AT,
    "next_due_at": _ACKNOWLEDGE_BY,
    "overdue": 0,
}
_QUESTION = {
    "id": "01977f2e-8a10-7b55-8d05-4e5f60718293",
    "delivery": _DELIVERY,
    "referral": _REFERRAL,
    "reference": "SP-2026-0001",
    "publisher": "staffordshire-police",
    "agency": "stoke-csc",
    "agency_name": "Stoke-on-Trent children's social care",
    "asked_at": _AT,
    "asked_by": "Jo Example",
    "topic": "contact",
    "text": "May we call the school before Monday?",
    "answered_at": "2026-12-18T17:20:00Z",
    "answered_by": "DC Example",
    "answer": "Yes, but not her tutor.",
    "version": None,
    "closed_at": None,
    "closed_because": None,
}
_NOTICE = {
    "id": "01939f5e-6c00-7000-8000-0000000000a1",
    "kind": "delivery.escalated",
    "state": "failed",
    "organisation": "stoke-csc",
    "contact": "manager",
    "channel": "email",
    "code": "refused",
    "attempts": 1,
    "asked_at": _ACKNOWLEDGE_BY,
    "ended_at": _ACKNOWLEDGE_BY,
    "next_attempt_at": None,
    "referral": _REFERRAL,
    "reference": "SP-2026-0001",
    "delivery": _DELIVERY,
    "escalation": _NEXT,
    "about": "stoke-csc",
    "telephone": "01632 960112",
    "telephone_hours": "Mon Tue Wed Thu Fri 09:00-17:00",
}
_ESCALATION = {
    "id": _NEXT,
    "milestone": "acknowledge",
    "state": "open",
    "referral": _REFERRAL,
    "reference": "SP-2026-0001",
    "delivery": _DELIVERY,
    "organisation": "stoke-csc",
    "publisher": "staffordshire-police",
    "ladder": "ordinary",
    "step": 1,
    "due_at": _ACKNOWLEDGE_BY,
    "began_at": _ACKNOWLEDGE_BY,
    "next_step_at": "2026-12-21T13:50:00Z",
    "acknowledged_at": None,
    "acknowledged_by": None,
    "taken_until": None,
    "offered_to": None,
    "own_acknowledged_by": None,
    "own_until": None,
    "ended_at": None,
    "ended_because": None,
    "telephone": "01632 960111",
    "telephone_hours": "Mon Tue Wed Thu Fri 09:00-17:00",
}
_EVENT = {
    "cursor": "e3f9c2a71b-52",
    "at": _ROUTED_AT,
    "kind": "delivery.available",
    "referral": _REFERRAL,
    "reference": "SP-2026-0001",
    "delivery": _DELIVERY,
    "agency": "stoke-csc",
    "data": {},
}
_REFUSAL = {
    "publisher": "staffordshire-police",
    "digest": _DIGEST,
    "size": 48211,
    "reason": "binary-content",
    "at": _AT,
}
_RECONCILED = {
    "publisher": "staffordshire-police",
    "day": "2026-12-18",
    "at": _AT,
    "listed": 3,
    "referred": 1,
    "missing": ["21260015"],
    "rejected": ["21260012"],
}
_DELIVERY_STATUS = {
    "id": _DELIVERY,
    "kind": "referral",
    "version": 1,
    "follows": None,
    "agency": "stoke-csc",
    "agency_name": "Stoke-on-Trent children's social care",
    "role": "lead",
    "row": "child-area",
    "view": "social-care",
    "state": "available",
    "attempt": 0,
    "available_at": _ROUTED_AT,
    "clock_start": _AT,
    "deadlines": _DEADLINES,
    "late": [],
    "paused": [],
    "collected_at": None,
    "acknowledged_at": None,
    "decided_at": None,
    "views_considered": None,
    "child_told": None,
    "decisions": [],
    "returned_at": None,
    "paused_at": None,
    "outcome": None,
    "reason": None,
    "note": None,
    "answered_by": None,
    "replaces": None,
    "explanation": _EXPLANATION,
}
_OFFERED = {
    "delivery": _DELIVERY,
    "referral": _REFERRAL,
    "reference": "SP-2026-0001",
    "kind": "referral",
    "version": 1,
    "latest_version": 1,
    "follows": None,
    "changed": [],
    "recalls": [],
    "recall_reason": None,
    "handed_over": {},
    "publisher": "staffordshire-police",
    "agency": "stoke-csc",
    "state": "leased",
    "attempt": 1,
    "lease": {"id": _LEASE, "until": "2026-12-18T16:51:05Z"},
    "handling": {"marking": "OFFICIAL-SENSITIVE"},
    "role": "lead",
    "view": "social-care",
    "why": _EXPLANATION["sentence"],
    "grade": "high",
    "effective_grade": "high",
    "accepted_at": _AT,
    "available_at": _ROUTED_AT,
    "deadlines": _DEADLINES,
    "deadline_words": {"acknowledge": "4 working hours from Friday 16:50"},
    "asks": {"views_considered": True, "child_told": True},
    "defects": [_GAP],
    "warnings": [],
    "content": {"children": [{"id": "child-1", "approximate_age": 9}]},
}

_NOTHING = {"count": 0, "median_seconds": None, "p90_seconds": None}
_NO_DEADLINES = {"in_time": 0, "late": 0, "open": 0, "overdue": 0, "ended": 0, "without": 3}
_DEADLINE_REPORT = {
    "since": "2026-12-01T00:00:00Z",
    "until": "2027-01-01T00:00:00Z",
    "counted_at": "2027-01-04T09:00:00Z",
    "figures": [
        {
            "by": "all",
            "of": "",
            "referrals": 2,
            "unrouted": 0,
            "rejected": 0,
            "unroutable": 0,
            "legs": 3,
            "held": 0,
            "undeliverable": 0,
            "returned": 0,
            "recalled": 0,
            "sent_on": 0,
            "stages": {
                "first_known_to_accepted": {
                    "count": 2,
                    "median_seconds": 5400.0,
                    "p90_seconds": 9000.0,
                },
                "accepted_to_available": {
                    "count": 3,
                    "median_seconds": 0.8,
                    "p90_seconds": 1.4,
                },
                "available_to_collected": {
                    "count": 3,
                    "median_seconds": 41.0,
                    "p90_seconds": 88.5,
                },
                "collected_to_acknowledged": {
                    "count": 3,
                    "median_seconds": 2760.0,
                    "p90_seconds": 9120.0,
                },
                "acknowledged_to_decided": _NOTHING,
                "accepted_to_acknowledged": {
                    "count": 3,
                    "median_seconds": 2801.8,
                    "p90_seconds": 9209.9,
                },
                "accepted_to_decided": _NOTHING,
            },
            "deadlines": {
                "collect": _NO_DEADLINES,
                "acknowledge": {**_NO_DEADLINES, "in_time": 2, "late": 1, "without": 0},
                "decide": {**_NO_DEADLINES, "open": 2, "overdue": 1, "without": 0},
            },
        }
    ],
}
EXAMPLES: Mapping[str, Any] = {
    "referral": {
        "schema": "referral/1",
        "reference": "SP-2026-0001",
        "referrer": {
            "name": "DC Rowan Ashgrove",
            "role": "Detective Constable",
            "email": "online.team@staffordshire-police.example.org",
        },
        "times": {"first_known_at": "2025-12-18T09:30:00Z"},
        "grade": {"level": "high", "reason": "The contact goes on."},
        "children": [{"id": "child-1", "approximate_age": 9, "area": "E06000021"}],
        "concern": {"category": "grooming", "summary": "An unknown adult asks for a meeting."},
    },
    "receipt": _RECEIPT,
    "status": {
        "id": _REFERRAL,
        "reference": "SP-2026-0001",
        "publisher": "staffordshire-police",
        "state": "routed",
        "digest": _DIGEST,
        "accepted_at": _AT,
        "routed_at": _ROUTED_AT,
        "closed_at": None,
        "grade": "high",
        "effective_grade": "high",
        "policy_version": "2026-12-01-0a1b2c3d",
        "directory_version": "2026-12-01-0a1b2c3d",
        "reason": None,
        "attend_by": None,
        "faults": [],
        "defects": [_GAP],
        "warnings": [],
        "version": 1,
        "versions": [{"version": 1, "digest": _DIGEST, "accepted_at": _AT}],
        "recalled_at": None,
        "recall_reason": None,
        "recalled_by": None,
        "deliveries": [_DELIVERY_STATUS],
    },
    "bulk-line": {"line": 1, "status": 202, "receipt": _RECEIPT},
    "plan": {
        "state": "routed",
        "reason": None,
        "attend_by": None,
        "effective_grade": "high",
        "defects": [_GAP],
        "warnings": [],
        "deliveries": [
            {
                "agency": "stoke-csc",
                "agency_name": "Stoke-on-Trent children's social care",
                "role": "lead",
                "row": "child-area",
                "view": "social-care",
                "held_until": None,
                "clock_start": _AT,
                "deadlines": {"acknowledge_by": _ACKNOWLEDGE_BY, "decide_by": _DECIDE_BY},
                "explanation": _EXPLANATION,
            }
        ],
    },
    "timeline": {"referral": _REFERRAL, "events": [{**_EVENT, "actor": None, "reason": None}]},
    "feed": {"events": [_EVENT], "next": "e3f9c2a71b-52"},
    "areas": {"areas": {"child-1": "E06000021"}},
    "areas-given": {"id": _REFERRAL, "areas": {"child-1": "E06000021"}},
    "routed-again": {"id": _REFERRAL},
    "recall": {"reason": "wrong_person", "by": "DS Imogen Farlow"},
    "recalled": {
        "id": _REFERRAL,
        "reference": "SP-2026-0001",
        "state": "routed",
        "recalled_at": "2026-12-18T17:20:00Z",
        "reason": "wrong_person",
        "duplicate": False,
    },
    "dry-run": {
        "events": [
            {
                "kind": "delivery.recalled",
                "referral": _REFERRAL,
                "delivery": _DELIVERY,
                "agency": "stoke-csc",
                "agency_name": "Stoke-on-Trent children's social care",
                "data": {},
            }
        ],
        "deliveries": [{**_DELIVERY_STATUS, "state": "recalled"}],
    },
    "collect": {"max": 20, "wait": 20},
    "delivery": _OFFERED,
    "deliveries": {"deliveries": [_OFFERED]},
    "receipts": {
        "receipts": [
            {
                "delivery": _DELIVERY,
                "lease": _LEASE,
                "stage": "acknowledged",
                "by": "A. Social-Worker",
            },
            {
                "delivery": _NEXT,
                "stage": "decided",
                "by": "A. Social-Worker",
                "outcome": "assessment",
                "views_considered": "yes",
                "child_told": "not_yet",
            },
        ]
    },
    "receipt-results": {
        "results": [
            {
                "delivery": _DELIVERY,
                "result": "recorded",
                "state": "acknowledged",
                "at": "2026-12-18T16:50:40Z",
                "changed": False,
            },
            {
                "delivery": _NEXT,
                "result": "not_found",
                "state": None,
                "at": None,
                "changed": False,
            },
        ]
    },
    "leases": {"leases": [{"delivery": _DELIVERY, "lease": _LEASE}]},
    "lease-results": {
        "results": [{"delivery": _DELIVERY, "result": "extended", "until": "2026-12-18T16:52:05Z"}]
    },
    "reroute": {"area": "E06000051"},
    "rerouted": {"delivery": _NEXT},
    "reroute-preview": {
        "delivery": _DELIVERY,
        "reference": "SP/2026/1",
        "agency": "shropshire-csc",
        "agency_name": "Shropshire children's social care",
        "agency_kind": "social-care",
        "because": "Shropshire children's social care, for where the child is, Shropshire",
        "role": "lead",
        "view": "social-care",
        "view_sentence": "What social care needs to protect the children in its area.",
        "shows": ["handling: all", "children: all", "online: platforms, image counts"],
        "children": ["child-1"],
        "persons": ["suspect-1"],
        "deadlines": _DEADLINES,
        "deadline_words": {"acknowledge": "4 hours by the clock, from Mon 14 December 10:00"},
    },
    "pause": {"reason": "information_requested"},
    "paused": {"delivery": _DELIVERY, "paused_at": _AT},
    "resumed": {"delivery": _DELIVERY, "deadlines": _DEADLINES},
    "settle-task": {"reason": "The school was told by telephone.", "by": "Duty officer, ops"},
    "task-settled": {"id": _DELIVERY},
    "embargoes": {
        "embargoes": [
            {
                "delivery": _DELIVERY,
                "referral": _REFERRAL,
                "reference": "SP-2026-0001",
                "publisher": "staffordshire-police",
                "agency": "school-900001",
                "role": "copy",
                "until": "2026-12-16T12:00:00Z",
                "since": _AT,
                "acknowledge_by": "2026-12-17T08:30:00Z",
                "effective_grade": "high",
                "warned_at": None,
            }
        ]
    },
    "hold-decision": {"reason": "The arrest was made.", "by": "DS Farlow"},
    "hold-extension": {
        "until": "2026-12-18T12:00:00Z",
        "reason": "The warrant is delayed.",
        "by": "DS Farlow",
    },
    "hold": {"delivery": _DELIVERY, "state": "held"},
    "sees-to": {"by": "Duty manager, Stoke"},
    "release-escalation": {"by": "Jo Example", "note": "I cannot reach them from here."},
    "hand-over-escalation": {
        "by": "Jo Example",
        "to": "Kim Example",
        "note": "They call back at 17:30.",
    },
    "escalation": _ESCALATION,
    "escalations": {"escalations": [_ESCALATION]},
    "notices": {"notices": [_NOTICE]},
    "answer": {"by": "DC Example", "text": "Yes, but not her tutor."},
    "question": _QUESTION,
    "questions": {"questions": [_QUESTION]},
    "queue": _QUEUE,
    "queues": {"queues": [_QUEUE]},
    "system-health": _HEALTH,
    **monitoring_examples(_HEALTH, _QUEUE),
    "attention": {
        "health": _HEALTH,
        "unroutable": [
            {
                "referral": _REFERRAL,
                "reference": "SP-2026-0001",
                "publisher": "staffordshire-police",
                "delivery": None,
                "agency": None,
                "reason": "no_area",
                "since": _AT,
                "due_at": "2026-12-18T17:50:00Z",
                "effective_grade": "high",
            }
        ],
        "undeliverable": [],
        "returned": [],
        "held": [],
        "task": [
            {
                "id": _DELIVERY,
                "kind": "task",
                "code": "no-recipient",
                "pointer": "/children/0",
                "message": "The child is on the roll of this school. Nobody was told: the "
                "directory has none for this place.",
                "action": "Tell by other means the people who should know, or have the directory "
                "corrected and retry routing.",
                "owners": ["ops"],
                "referral": _REFERRAL,
                "reference": "SP-2026-0001",
                "publisher": "staffordshire-police",
                "state": "routed",
                "since": _AT,
                "due_at": "2026-12-18T20:50:00Z",
                "effective_grade": "high",
            }
        ],
        "refused": [_REFUSAL],
        "silent": [
            {
                "organisation": "stoke-csc",
                "activity": "collecting",
                "reason": "deadline",
                "since": _ROUTED_AT,
                "last_at": _AT,
                "acknowledged_by": None,
            }
        ],
        "unreferred": [
            {
                "publisher": "staffordshire-police",
                "day": "2026-12-18",
                "at": _AT,
                "listed": 3,
                "missing": 1,
                "rejected": 1,
            }
        ],
        "quarantine": [],
    },
    "reconciliation": {
        "day": "2026-12-18",
        "references": ["21260001", "21260012", "21260015"],
    },
    "reconciled": _RECONCILED,
    "reconciliations": {"reconciliations": [_RECONCILED]},
    "refusals": {"refusals": [_REFUSAL]},
    "readiness": {"status": "ready"},
    "key-set": {
        "keys": [
            {
                "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
                "kty": "OKP",
                "crv": "Ed25519",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                "use": "sig",
                "alg": "Ed25519",
            }
        ]
    },
    "deadline-report": _DEADLINE_REPORT,
    "inspection-report": {
        "since": "2026-12-01T00:00:00Z",
        "until": "2027-01-01T00:00:00Z",
        "counted_at": "2027-01-04T09:00:00Z",
        "figures": [
            {
                "by": "all",
                "of": "",
                "month": "",
                "what": "voice",
                "name": "not_asked",
                "count": 2,
            },
            {
                "by": "force",
                "of": "staffordshire-police",
                "month": "2026-12",
                "what": "voice",
                "name": "heard",
                "count": 7,
            },
        ],
    },
    "told-report": {
        "id": _REFERRAL,
        "reference": "SP-2026-0001",
        "publisher": "staffordshire-police",
        "state": "routed",
        "accepted_at": _AT,
        "recalled_at": None,
        "version": 1,
        "policy_version": "2026-12-01-0a1b2c3d",
        "versions": [{"version": 1, "digest": _DIGEST, "accepted_at": _AT}],
        "deliveries": [
            {
                "agency": "stoke-csc",
                "agency_name": "Stoke-on-Trent children's social care",
                "role": "lead",
                "kind": "referral",
                "version": 1,
                "row": "social-care",
                "sentence": "A child who may be at risk lives or is found in this council's area.",
                "basis": "statute",
                "source": "Children Act 1989 section 47",
                "view": "social-care",
                "state": "collected",
                "available_at": _ROUTED_AT,
                "collected_at": "2026-12-18T16:52:00Z",
                "acknowledged_at": None,
                "decided_at": None,
                "returned_at": None,
                "outcome": None,
                "decisions": [],
            }
        ],
    },
}
