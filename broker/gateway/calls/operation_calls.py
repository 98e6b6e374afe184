"""The rows of the table for ops: what needs them, reports and figures."""

from __future__ import annotations

from broker.gateway import (
    holds,
    operations,
    reports,
)
from broker.gateway.call import Call, Gives, Parameter, Tag
from broker.gateway.calls.parts import BAD_LIMIT, LIMIT, OPS, PUBLISHER_OR_OPS

_FROM = Parameter(
    "The first day of the period, in UK time.",
    {"type": "string", "format": "date", "examples": ["2026-12-01"]},
    required=True,
)
_TO = Parameter(
    "The last day of the period, in UK time.",
    {"type": "string", "format": "date", "examples": ["2026-12-31"]},
    required=True,
)
_PERIOD = {"from": _FROM, "to": _TO}
_FORCE = Parameter(
    "Counts only what this force sent, by its code.",
    {"type": "string", "examples": ["staffordshire-police"]},
)
_REPORTS = {
    "promptness": "how soon children were known to others after the police first knew",
    "voice": "whether children were heard, and what is known of them",
    "missing": "missing children, and how soon social care was told and a person took it",
    "quality": "what was refused, rejected, corrected late or recalled",
    "decisions": "what agencies decided, changed, and told children",
}
_BAD_PERIOD = "A day is missing or is not a date, or the period is too long."
_BAD_REPORT = f"{_BAD_PERIOD[:-1]}; or no organisation has the code of the force."
OPERATIONS = (
    Call(
        id="listAttention",
        method="GET",
        path="/v1/attention",
        handler=operations.attention,
        tag=Tag.OPERATIONS,
        summary="List what needs ops",
        description=(
            "Returns what no agency will do without ops: unroutable referrals, undeliverable and "
            "returned deliveries, tasks (rejected referrals and bodies among them), silent "
            "organisations, missing referrals."
        ),
        scopes=OPS,
        gives={200: Gives("What needs ops, by kind, earliest deadline first.", "attention")},
        problems={422: BAD_LIMIT},
        query={"limit": LIMIT},
    ),
    Call(
        id="listEmbargoes",
        method="GET",
        path="/v1/embargoes",
        handler=holds.embargoes,
        tag=Tag.OPERATIONS,
        summary="List what is held, and until when",
        description=(
            "Returns the deliveries that an embargo, or a decision of a person, keeps from their "
            "agencies, and when each is released. Your own, or all for ops."
        ),
        scopes=PUBLISHER_OR_OPS,
        gives={200: Gives("Held deliveries, the one that is released next first.", "embargoes")},
        problems={422: BAD_LIMIT},
        query={"limit": LIMIT},
    ),
    Call(
        id="settleTask",
        method="POST",
        path="/v1/tasks/{id}/settle",
        handler=operations.settle_task,
        tag=Tag.OPERATIONS,
        summary="Settle a task",
        description=(
            "Records that a person has dealt with a task, and how. Its escalation ends. The "
            "referral itself does not change."
        ),
        scopes=OPS,
        takes="settle-task",
        gives={200: Gives("The task is settled.", "task-settled")},
        problems={404: "No open task has this ID."},
    ),
    Call(
        id="listQueues",
        method="GET",
        path="/v1/queues",
        handler=operations.queues,
        tag=Tag.OPERATIONS,
        summary="Show every queue in figures",
        description="Returns counts and ages of every queue that is not empty.",
        scopes=OPS,
        gives={200: Gives("Counts and ages by agency.", "queues")},
    ),
    Call(
        id="reportDeadlines",
        method="GET",
        path="/v1/reports/deadlines",
        handler=reports.deadlines,
        tag=Tag.OPERATIONS,
        summary="Report on deadlines",
        description=(
            "Returns how long each stage took, and which deadlines were met, for the referrals "
            "that were accepted in a period."
        ),
        scopes=OPS,
        gives={200: Gives("The figures of the period.", "deadline-report")},
        problems={422: _BAD_PERIOD},
        query=_PERIOD,
    ),
    Call(
        id="exportDeadlines",
        method="GET",
        path="/v1/reports/deadlines.csv",
        handler=reports.deadlines_csv,
        tag=Tag.OPERATIONS,
        summary="Export the report on deadlines as a table",
        description="Returns the report on deadlines as CSV, for spreadsheets.",
        scopes=OPS,
        gives={200: Gives("The figures of the period as CSV.", media_type="text/csv")},
        problems={422: _BAD_PERIOD},
        query=_PERIOD,
    ),
    *(
        Call(
            id=f"report{name.capitalize()}",
            method="GET",
            path=f"/v1/reports/{name}",
            handler=reports.figures_of(name),
            tag=Tag.OPERATIONS,
            summary=f"Report on {what}",
            description=(
                f"Counts {what}, of the referrals that were accepted in a period: as a whole and "
                "by force, unit, grade and month. Codes, numbers and names of units only."
            ),
            scopes=OPS,
            gives={200: Gives("The counts of the period.", "inspection-report")},
            problems={422: _BAD_REPORT},
            query={**_PERIOD, "force": _FORCE},
        )
        for name, what in _REPORTS.items()
    ),
    *(
        Call(
            id=f"export{name.capitalize()}",
            method="GET",
            path=f"/v1/reports/{name}.csv",
            handler=reports.csv_of(name),
            tag=Tag.OPERATIONS,
            summary=f"Export the report on {what}",
            description=f"Counts {what}, as CSV for spreadsheets.",
            scopes=OPS,
            gives={200: Gives("The counts of the period as CSV.", media_type="text/csv")},
            problems={422: _BAD_REPORT},
            query={**_PERIOD, "force": _FORCE},
        )
        for name, what in _REPORTS.items()
    ),
    Call(
        id="readMetrics",
        method="GET",
        path="/metrics",
        handler=operations.metrics,
        tag=Tag.OPERATIONS,
        summary="Read metrics for Prometheus",
        description="Returns counts and ages by agency in the text format of Prometheus.",
        scopes=OPS,
        gives={200: Gives("The metrics.", media_type="text/plain")},
    ),
)
