"""Every kind of document by its name: the one list that the exports and the docs go by.

A version that the ledger still holds stays here; version 2 of the referral would stand beside 1.
"""

from __future__ import annotations

from collections.abc import Mapping

from marshmallow import Schema

from schemas import (
    alarm,
    attention,
    delivery,
    directory,
    event,
    hold,
    plan,
    policy,
    problem,
    receipt,
    reconciliation,
    referral,
    report,
    requests,
    status,
)

KINDS: Mapping[str, Schema] = {
    "referral": referral.REFERRAL,
    "plan": plan.PLAN,
    "receipt": receipt.RECEIPT,
    "status": status.STATUS,
    "delivery": delivery.DELIVERY,
    "deliveries": delivery.DELIVERIES,
    "collect": requests.COLLECT,
    "receipts": requests.RECEIPTS,
    "receipt-results": receipt.SETTLED_LIST,
    "leases": requests.LEASES,
    "lease-results": delivery.LEASE_RESULTS,
    "areas": requests.AREAS,
    "recall": requests.RECALL,
    "recalled": receipt.RECALLED,
    "reroute": requests.REROUTE,
    "areas-given": attention.AREAS_GIVEN,
    "routed-again": attention.ROUTED_AGAIN,
    "rerouted": attention.REROUTED,
    "reroute-preview": attention.REROUTE_PREVIEW,
    "pause": requests.PAUSE,
    "paused": alarm.PAUSED,
    "resumed": alarm.RESUMED,
    "sees-to": requests.SEES_TO,
    "settle-task": requests.SETTLE_TASK,
    "task-settled": attention.TASK_SETTLED,
    "embargoes": hold.EMBARGOES,
    "hold-decision": requests.HOLD,
    "hold-extension": requests.EXTEND_HOLD,
    "hold": hold.HOLD,
    "escalation": alarm.ESCALATION,
    "escalations": alarm.ESCALATIONS,
    "notices": alarm.NOTICES,
    "queue": status.QUEUE_DEPTH,
    "event": event.EVENT,
    "feed": event.FEED,
    "timeline": event.TIMELINE,
    "attention": attention.ATTENTION,
    "refusals": attention.REFUSALS,
    "queues": attention.QUEUES,
    "reconciliation": requests.RECONCILIATION,
    "reconciled": reconciliation.RECONCILED,
    "reconciliations": reconciliation.RECONCILIATIONS,
    "readiness": attention.READINESS,
    "key-set": attention.KEY_SET,
    "deadline-report": report.DEADLINE_REPORT,
    "inspection-report": report.INSPECTION_REPORT,
    "told-report": report.TOLD_REPORT,
    "bulk-line": status.BULK_LINE,
    "problem": problem.PROBLEM,
    "policy": policy.POLICY,
    "views": policy.VIEWS,
    "directory": directory.DIRECTORY,
}
