"""The table of calls: routes, scopes and the OpenAPI document are all made from it."""

from __future__ import annotations

from broker.domain.codes import NoticeState, Scope
from broker.gateway import (
    api_page,
    deliveries,
    escalations,
    holds,
    operations,
    reconciliations,
    referrals,
    reports,
)
from broker.gateway.call import JSON, Call, Gives, Link, Parameter, Tag
from broker.gateway.request_bodies import LONGEST_LIST, NDJSON

_PUBLISH = (Scope.PUBLISH,)
_COLLECT = (Scope.COLLECT,)
_OPS = (Scope.OPS,)
_PUBLISHER_OR_OPS = (Scope.PUBLISH, Scope.OPS)
_AGENCY_OR_OPS = (Scope.COLLECT, Scope.OPS)
_EVERY_SCOPE = (Scope.PUBLISH, Scope.COLLECT, Scope.OPS)

_LIMIT = Parameter(
    "How many items to return at most.",
    {"type": "integer", "minimum": 0, "maximum": LONGEST_LIST, "default": LONGEST_LIST},
)
_WAIT = Parameter(
    "How many seconds to wait for the first event when there is none yet.",
    {"type": "number", "minimum": 0, "maximum": referrals.LONGEST_WAIT, "default": 0},
)
_IDEMPOTENCY_KEY = Parameter(
    "Names this request, so that repeating it makes no second referral. Your own reference does "
    "the same.",
    {"type": "string", "pattern": "^[!-~]{1,200}$"},
)
_PREFER = Parameter(
    "`wait=10` holds the answer back until the referral is routed, for at most 10 seconds "
    "(RFC 7240). `handling=strict` has it refused for every fault, all of them in one answer; "
    "otherwise a field that cannot be read costs that field and the referral goes on.",
    {"type": "string", "examples": ["wait=10", "handling=strict", "wait=10, handling=strict"]},
)
_HANDLING = Parameter(
    "`handling=strict` has it refused for every fault, all of them in one answer; otherwise a "
    "field that cannot be read costs that field and the referral goes on (RFC 7240).",
    {"type": "string", "examples": ["handling=strict"]},
)
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
    "Counts only what this force handed in, by its code.",
    {"type": "string", "examples": ["staffordshire-police"]},
)
_REPORTS = {
    "promptness": "how soon children were known to others after the police first knew",
    "voice": "whether children were heard, and what is known of them",
    "missing": "missing children, and how soon social care was told and a person took it",
    "quality": "what was refused, rejected, corrected late or recalled",
    "decisions": "what agencies decided, changed, and told children",
}
_NO_REFERRAL = "No referral of yours has this ID."
_NO_DELIVERY = "No delivery of yours has this ID."
_BAD_LIMIT = "The limit is not a number in its range."
_BAD_PERIOD = "A day is missing or is not a date, or the period is too long."
_TO_REFERRAL = Link("showReferral", "path.id", "$response.body#/id", "Show the referral.")
_TO_TIMELINE = Link(
    "showTimeline", "path.id", "$response.body#/id", "Show everything that happened to it."
)
_REFERRAL_LINKS = {"referral": _TO_REFERRAL, "timeline": _TO_TIMELINE}
_TO_DELIVERY = Link("showDelivery", "path.id", "$response.body#/delivery", "Show the delivery.")

_REFERRALS = (
    Call(
        id="publishReferral",
        method="POST",
        path="/v1/referrals",
        handler=referrals.publish,
        tag=Tag.REFERRALS,
        summary="Publish a referral",
        description=(
            "Accepts one referral. Once you have the receipt, the referral is stored and will be "
            "routed. Send it again if you get no answer: the same document under the same "
            "reference gives the same receipt."
        ),
        scopes=_PUBLISH,
        takes="referral",
        gives={
            202: Gives(
                "The referral is stored and will be routed next.",
                "receipt",
                links=_REFERRAL_LINKS,
                location=True,
            ),
            201: Gives(
                "The referral is stored and routed: you asked to wait for that.",
                "status",
                links=_REFERRAL_LINKS,
                location=True,
            ),
        },
        problems={409: "The reference or the Idempotency-Key was used for another document."},
        headers={"Idempotency-Key": _IDEMPOTENCY_KEY, "Prefer": _PREFER},
    ),
    Call(
        id="publishReferrals",
        method="POST",
        path="/v1/referrals/bulk",
        handler=referrals.publish_bulk,
        tag=Tag.REFERRALS,
        summary="Publish up to 1,000 referrals, one on each line",
        description=(
            "Accepts newline-delimited JSON. Each line is judged by itself: a line that is wrong "
            "stops no other."
        ),
        scopes=_PUBLISH,
        takes="referral",
        takes_media_type=NDJSON,
        headers={"Prefer": _HANDLING},
        gives={200: Gives("A receipt or a problem for each line, in order.", "bulk-line", NDJSON)},
    ),
    Call(
        id="checkReferral",
        method="POST",
        path="/v1/referrals/check",
        handler=referrals.check,
        tag=Tag.REFERRALS,
        summary="Check a referral without sending it",
        description=(
            "Validates a referral and returns who would get which part of it, why and by when. "
            "Nothing is stored."
        ),
        scopes=_PUBLISH,
        takes="referral",
        gives={200: Gives("The plan: who would get what, why and by when.", "plan")},
        problems={409: "No policy is published, or it cannot be used for this referral."},
        headers={"Prefer": _HANDLING},
    ),
    Call(
        id="findReferral",
        method="GET",
        path="/v1/referrals",
        handler=referrals.look_up,
        tag=Tag.REFERRALS,
        summary="Find a referral by your reference",
        description="Returns the state of the referral that you published under a reference.",
        scopes=_PUBLISHER_OR_OPS,
        gives={200: Gives("The state of the referral.", "status", links=_REFERRAL_LINKS)},
        problems={
            404: "No referral of yours has this reference.",
            422: "The reference is missing or too long.",
        },
        query={
            "reference": Parameter(
                "The reference that you gave to the referral.",
                {"type": "string", "minLength": 1, "maxLength": 64},
                required=True,
            )
        },
    ),
    Call(
        id="showReferral",
        method="GET",
        path="/v1/referrals/{id}",
        handler=referrals.show,
        tag=Tag.REFERRALS,
        summary="Show a referral",
        description="Returns the state of a referral and of each delivery, without the content.",
        scopes=_PUBLISHER_OR_OPS,
        gives={
            200: Gives("The state of the referral.", "status", links={"timeline": _TO_TIMELINE})
        },
        problems={404: _NO_REFERRAL},
    ),
    Call(
        id="showTold",
        method="GET",
        path="/v1/referrals/{id}/told",
        handler=referrals.told,
        tag=Tag.REFERRALS,
        summary="Say who was told about a referral",
        description=(
            "Returns each delivery with its agency, version, the rule and its basis, when each "
            "milestone was met, and every decision. No content, no notes and no people's names."
        ),
        scopes=_PUBLISHER_OR_OPS,
        gives={200: Gives("Who was told, on what basis, which version.", "told-report")},
        problems={404: _NO_REFERRAL},
    ),
    Call(
        id="exportTold",
        method="GET",
        path="/v1/referrals/{id}/told.csv",
        handler=referrals.told_csv,
        tag=Tag.REFERRALS,
        summary="Export who was told about a referral as a table",
        description="Returns the same as CSV, for spreadsheets.",
        scopes=_PUBLISHER_OR_OPS,
        gives={200: Gives("Who was told, as CSV.", media_type="text/csv")},
        problems={404: _NO_REFERRAL},
    ),
    Call(
        id="showTimeline",
        method="GET",
        path="/v1/referrals/{id}/timeline",
        handler=referrals.timeline,
        tag=Tag.REFERRALS,
        summary="Show everything that happened to a referral",
        description="Returns every event of a referral in order. Ops also see the actor.",
        scopes=_PUBLISHER_OR_OPS,
        gives={200: Gives("Every event, oldest first.", "timeline")},
        problems={404: _NO_REFERRAL},
    ),
    Call(
        id="addAreas",
        method="POST",
        path="/v1/referrals/{id}/areas",
        handler=referrals.give_areas,
        tag=Tag.REFERRALS,
        summary="Add areas to an unroutable referral",
        description=(
            "Adds the areas where people of an unroutable referral live. The referral is then "
            "routed."
        ),
        scopes=_PUBLISHER_OR_OPS,
        takes="areas",
        gives={
            202: Gives(
                "The areas are stored; the referral is routed next.",
                "areas-given",
                links=_REFERRAL_LINKS,
            )
        },
        problems={404: _NO_REFERRAL, 409: "The referral is not unroutable."},
    ),
    Call(
        id="retryRouting",
        method="POST",
        path="/v1/referrals/{id}/reroute",
        handler=referrals.retry_routing,
        tag=Tag.REFERRALS,
        summary="Retry the routing of an unroutable or rejected referral",
        description=(
            "Routes an unroutable or rejected referral again as it is, under the policy in force: "
            "after the directory was corrected, or a fault of the broker."
        ),
        scopes=_OPS,
        gives={202: Gives("The referral is routed next.", "routed-again", links=_REFERRAL_LINKS)},
        problems={
            404: "No referral has this ID.",
            409: "The referral is not unroutable or rejected.",
        },
    ),
    Call(
        id="correctReferral",
        method="POST",
        path="/v1/referrals/{id}/corrections",
        handler=referrals.correct,
        tag=Tag.REFERRALS,
        summary="Correct a referral",
        description=(
            "Accepts the whole corrected document as the next version. Every agency that has an "
            "earlier version gets the new one."
        ),
        scopes=_PUBLISH,
        takes="referral",
        gives={
            202: Gives(
                "The new version is stored and will be routed next.",
                "receipt",
                links=_REFERRAL_LINKS,
                location=True,
            )
        },
        problems={
            404: _NO_REFERRAL,
            409: "The referral was recalled, or the Idempotency-Key was used for another document.",
        },
        headers={"Idempotency-Key": _IDEMPOTENCY_KEY, "Prefer": _HANDLING},
    ),
    Call(
        id="recallReferral",
        method="POST",
        path="/v1/referrals/{id}/recall",
        handler=referrals.recall,
        tag=Tag.REFERRALS,
        summary="Recall a referral",
        description=(
            "Withdraws a referral from every agency. Those that have it must destroy every copy "
            "and confirm that."
        ),
        scopes=_PUBLISH,
        takes="recall",
        gives={202: Gives("The referral is recalled.", "recalled", links=_REFERRAL_LINKS)},
        problems={404: _NO_REFERRAL, 409: "The referral was recalled for another reason."},
    ),
    Call(
        id="readFeed",
        method="GET",
        path="/v1/events",
        handler=referrals.feed,
        tag=Tag.REFERRALS,
        summary="Read your feed after a cursor",
        description=(
            "Returns what happened to your referrals, in order and without gaps. Store `next` "
            "and send it as `after` in the next request."
        ),
        scopes=_PUBLISH,
        gives={
            200: Gives(
                "Events after the cursor; empty when there are none.",
                "feed",
                links={
                    "next": Link(
                        "readFeed", "query.after", "$response.body#/next", "Read what comes after."
                    )
                },
            )
        },
        problems={422: "The cursor, the wait or the limit is not valid."},
        query={
            "after": Parameter(
                "The cursor of the last answer; empty to begin with the first event.",
                {"type": "string"},
            ),
            "wait": _WAIT,
            "limit": Parameter(
                "How many events to return at most.",
                {"type": "integer", "minimum": 0, "maximum": referrals.PAGE, "default": 100},
            ),
        },
    ),
)
_HOLDS = (
    (
        "release",
        holds.release,
        "hold-decision",
        "Release a held delivery",
        "Offers a held delivery to its agency now. Its deadlines count from now.",
    ),
    (
        "keep",
        holds.keep,
        "hold-decision",
        "Keep a delivery held",
        "Records that a person looked at a held delivery and keeps it held. Nothing else changes.",
    ),
    (
        "extend",
        holds.extend,
        "hold-extension",
        "Extend the embargo of a held delivery",
        (
            "Holds a held delivery until a later instant; its deadlines count from then. A "
            "correction that repeats the embargo as it was does not shorten it."
        ),
    ),
)
_DELIVERIES = (
    Call(
        id="collectDeliveries",
        method="POST",
        path="/v1/collect",
        handler=deliveries.collect_deliveries,
        tag=Tag.DELIVERIES,
        summary="Collect deliveries, earliest deadline first",
        description=(
            "Leases what waits in your queue. Send a receipt for each delivery before its lease "
            "ends, or it is offered again."
        ),
        scopes=_COLLECT,
        takes="collect",
        gives={
            200: Gives(
                "The deliveries, each under a lease; empty when nothing waits.",
                "deliveries",
                links={
                    "first": Link(
                        "showDelivery",
                        "path.id",
                        "$response.body#/deliveries/0/delivery",
                        "Show the first delivery.",
                    )
                },
            )
        },
    ),
    Call(
        id="sendReceipts",
        method="POST",
        path="/v1/receipts",
        handler=deliveries.settle,
        tag=Tag.DELIVERIES,
        summary="Answer up to 1,000 deliveries",
        description=(
            "Records that deliveries were collected, acknowledged, decided or returned. A receipt "
            "may be repeated; the first answer stands."
        ),
        scopes=_COLLECT,
        takes="receipts",
        gives={200: Gives("One result for each receipt, in order.", "receipt-results")},
    ),
    Call(
        id="extendLeases",
        method="POST",
        path="/v1/leases/extend",
        handler=deliveries.extend,
        tag=Tag.DELIVERIES,
        summary="Extend leases",
        description="Extends your leases, so that the deliveries are not offered again meanwhile.",
        scopes=_COLLECT,
        takes="leases",
        gives={200: Gives("One result for each lease, in order.", "lease-results")},
    ),
    Call(
        id="releaseLeases",
        method="POST",
        path="/v1/leases/release",
        handler=deliveries.release,
        tag=Tag.DELIVERIES,
        summary="Release leases",
        description="Ends your leases. The deliveries are offered again at once.",
        scopes=_COLLECT,
        takes="leases",
        gives={200: Gives("One result for each lease, in order.", "lease-results")},
    ),
    Call(
        id="showDelivery",
        method="GET",
        path="/v1/deliveries/{id}",
        handler=deliveries.show,
        tag=Tag.DELIVERIES,
        summary="Show a delivery",
        description="Returns one of your deliveries as you collected it, without leasing it.",
        scopes=_COLLECT,
        gives={200: Gives("The delivery.", "delivery")},
        problems={404: _NO_DELIVERY},
    ),
    Call(
        id="redirectDelivery",
        method="POST",
        path="/v1/deliveries/{id}/reroute",
        handler=deliveries.redirect,
        tag=Tag.DELIVERIES,
        summary="Redirect a returned delivery",
        description=(
            "Sends a returned or undeliverable delivery to another area or agency. The deadlines "
            "do not change. The recipient must be of a kind that the policy's rule serves, and "
            "gets the view of its own kind. Ask for the preview first."
        ),
        scopes=_OPS,
        takes="reroute",
        gives={200: Gives("The delivery that takes its place.", "rerouted")},
        problems={
            404: "No delivery has this ID.",
            409: (
                "The delivery was not returned or was redirected already, its referral was "
                "recalled, or it must not go to that agency: `errors` says why."
            ),
        },
    ),
    Call(
        id="previewRedirect",
        method="POST",
        path="/v1/deliveries/{id}/reroute/preview",
        handler=deliveries.preview_redirect,
        tag=Tag.DELIVERIES,
        summary="Preview a redirect",
        description=(
            "Says who would get the delivery, what they would see and by when they must act. "
            "Nothing is changed. Show this to a person before you redirect."
        ),
        scopes=_OPS,
        takes="reroute",
        gives={200: Gives("Who would see what, by when.", "reroute-preview")},
        problems={
            404: "No delivery has this ID.",
            409: "It cannot be redirected, or must not go to that agency: `errors` says why.",
        },
    ),
    *(
        Call(
            id=f"{word}Hold",
            method="POST",
            path=f"/v1/deliveries/{{id}}/hold/{word}",
            handler=handler,
            tag=Tag.DELIVERIES,
            summary=summary,
            description=description,
            scopes=_OPS,
            takes=takes,
            gives={200: Gives("What became of it.", "hold")},
            problems={
                404: "No delivery has this ID.",
                409: "The delivery is not held any more, or its referral was recalled.",
            },
        )
        for word, handler, takes, summary, description in _HOLDS
    ),
    Call(
        id="showQueue",
        method="GET",
        path="/v1/queue",
        handler=deliveries.queue,
        tag=Tag.DELIVERIES,
        summary="Show your queue in figures",
        description="Returns counts and ages of your queue.",
        scopes=_COLLECT,
        gives={200: Gives("Counts and ages of your queue.", "queue")},
    ),
)
_DEADLINES = (
    Call(
        id="pauseClocks",
        method="POST",
        path="/v1/deliveries/{id}/pause",
        handler=escalations.pause_clock,
        tag=Tag.DEADLINES,
        summary="Pause the deadlines of a delivery",
        description=(
            "Pauses those deadlines of a delivery that the policy allows to be paused. Deadlines "
            "that the law sets run on."
        ),
        scopes=_AGENCY_OR_OPS,
        takes="pause",
        gives={200: Gives("The deadlines are paused.", "paused", links={"delivery": _TO_DELIVERY})},
        problems={404: _NO_DELIVERY, 409: "No deadline of this delivery may be paused now."},
    ),
    Call(
        id="resumeClocks",
        method="POST",
        path="/v1/deliveries/{id}/resume",
        handler=escalations.resume_clock,
        tag=Tag.DEADLINES,
        summary="Resume the deadlines of a delivery",
        description="Resumes paused deadlines. Each moves by the time that it was paused.",
        scopes=_AGENCY_OR_OPS,
        gives={
            200: Gives(
                "The deadlines as they are now.", "resumed", links={"delivery": _TO_DELIVERY}
            )
        },
        problems={404: _NO_DELIVERY},
    ),
    Call(
        id="listEscalations",
        method="GET",
        path="/v1/escalations",
        handler=escalations.escalations,
        tag=Tag.DEADLINES,
        summary="List running escalations",
        description=(
            "Returns the running escalations of your own deliveries or referrals; all of them "
            "for ops."
        ),
        scopes=_EVERY_SCOPE,
        gives={200: Gives("Running escalations, the oldest first.", "escalations")},
        problems={422: _BAD_LIMIT},
        query={"limit": _LIMIT},
    ),
    Call(
        id="listNotices",
        method="GET",
        path="/v1/notices",
        handler=escalations.notices,
        tag=Tag.DEADLINES,
        summary="List notices to contacts",
        description=(
            "Returns the notices that the broker sends to contacts: whom each was for, about "
            "what, and whether it was sent or has failed and why. With `state=failed` it lists "
            "the people whom you must tell by telephone."
        ),
        scopes=_OPS,
        gives={200: Gives("Notices, the latest first.", "notices")},
        problems={422: _BAD_LIMIT},
        query={
            "limit": _LIMIT,
            "state": Parameter(
                "Only notices in this state.", {"type": "string", "enum": [*NoticeState]}
            ),
        },
    ),
    Call(
        id="acknowledgeEscalation",
        method="POST",
        path="/v1/escalations/{id}/acknowledge",
        handler=escalations.acknowledge,
        tag=Tag.DEADLINES,
        summary="Acknowledge an escalation",
        description=(
            "Records that a person deals with an escalation. Nobody further up is alerted. The "
            "deadline stays missed. An agency that is late itself stops only the alerts to "
            "itself, until `own_until`: the police and ops are alerted all the same."
        ),
        scopes=_EVERY_SCOPE,
        takes="sees-to",
        gives={200: Gives("The escalation as it is now.", "escalation")},
        problems={404: "No escalation of yours has this ID."},
    ),
)
_RECONCILIATION = (
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
        scopes=_PUBLISH,
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
        scopes=_PUBLISHER_OR_OPS,
        gives={200: Gives("The results, the latest day first.", "reconciliations")},
        problems={422: _BAD_LIMIT},
        query={"limit": _LIMIT},
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
        scopes=_PUBLISHER_OR_OPS,
        gives={200: Gives("Rejected bodies, the latest first.", "refusals")},
        problems={422: _BAD_LIMIT},
        query={"limit": _LIMIT},
    ),
)
_OPERATIONS = (
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
        scopes=_OPS,
        gives={200: Gives("What needs ops, by kind, earliest deadline first.", "attention")},
        problems={422: _BAD_LIMIT},
        query={"limit": _LIMIT},
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
        scopes=_PUBLISHER_OR_OPS,
        gives={200: Gives("Held deliveries, the one that is released next first.", "embargoes")},
        problems={422: _BAD_LIMIT},
        query={"limit": _LIMIT},
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
        scopes=_OPS,
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
        scopes=_OPS,
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
        scopes=_OPS,
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
        scopes=_OPS,
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
            scopes=_OPS,
            gives={200: Gives("The counts of the period.", "inspection-report")},
            problems={422: _BAD_PERIOD},
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
            scopes=_OPS,
            gives={200: Gives("The counts of the period as CSV.", media_type="text/csv")},
            problems={422: _BAD_PERIOD},
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
        scopes=_OPS,
        gives={200: Gives("The metrics.", media_type="text/plain")},
    ),
)
_SERVICE = (
    Call(
        id="checkLiveness",
        method="GET",
        path="/livez",
        handler=operations.livez,
        tag=Tag.SERVICE,
        summary="Check that the process runs",
        description="Answers without asking the ledger.",
        gives={200: Gives("The process runs.", "readiness")},
    ),
    Call(
        id="checkReadiness",
        method="GET",
        path="/readyz",
        handler=operations.readyz,
        tag=Tag.SERVICE,
        summary="Check that the process can do its work",
        description="Answers 503 while the ledger does not answer or no policy is published.",
        gives={200: Gives("The process can do its work.", "readiness")},
    ),
    Call(
        id="readKeys",
        method="GET",
        path="/v1/keys",
        handler=operations.keys,
        tag=Tag.SERVICE,
        summary="Read the keys that verify copies in queues",
        description=(
            "Returns the broker's public keys as a JWKS (RFC 7517). Each copy in an agency's queue "
            "is signed with one of them. Needs no key."
        ),
        gives={200: Gives("The public keys in use.", "key-set")},
    ),
    Call(
        id="readDescription",
        method="GET",
        path="/openapi.json",
        handler=operations.openapi_document,
        tag=Tag.SERVICE,
        summary="Read this description",
        description="Returns the OpenAPI document of this API.",
        gives={200: Gives("The OpenAPI document.", media_type=JSON)},
    ),
    Call(
        id="readDocumentation",
        method="GET",
        path="/docs",
        handler=api_page.page,
        tag=Tag.SERVICE,
        summary="Read this description as a page",
        description="Returns the documentation of this API for people.",
        gives={200: Gives("The page.", media_type="text/html")},
    ),
)
CALLS: tuple[Call, ...] = (
    *_REFERRALS,
    *_DELIVERIES,
    *_DEADLINES,
    *_RECONCILIATION,
    *_OPERATIONS,
    *_SERVICE,
)
