"""The rows of the table about referrals: publish, follow, correct and recall them."""

from __future__ import annotations

from broker.gateway import dry_runs, referrals
from broker.gateway.call import Call, Gives, Link, Parameter, Tag
from broker.gateway.calls.parts import OPS, PUBLISH, PUBLISHER_OR_OPS
from broker.gateway.request_bodies import NDJSON

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
_NO_REFERRAL = "No referral of yours has this ID."
_NOT_RECALLED = (
    "The referral was rejected, recalled for another reason, or corrected since the version that "
    "you name."
)
_TO_REFERRAL = Link("showReferral", "path.id", "$response.body#/id", "Show the referral.")
_TO_TIMELINE = Link(
    "showTimeline", "path.id", "$response.body#/id", "Show everything that happened to it."
)
_REFERRAL_LINKS = {"referral": _TO_REFERRAL, "timeline": _TO_TIMELINE}
REFERRALS = (
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
        scopes=PUBLISH,
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
            "Accepts newline-delimited JSON. Each line is judged on its own: a line that is wrong "
            "stops no other."
        ),
        scopes=PUBLISH,
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
        scopes=PUBLISH,
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
        scopes=PUBLISHER_OR_OPS,
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
        scopes=PUBLISHER_OR_OPS,
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
        scopes=PUBLISHER_OR_OPS,
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
        scopes=PUBLISHER_OR_OPS,
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
        scopes=PUBLISHER_OR_OPS,
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
        scopes=PUBLISHER_OR_OPS,
        takes="areas",
        gives={
            202: Gives(
                "The areas are stored; the referral is routed next.",
                "areas-given",
                links=_REFERRAL_LINKS,
            )
        },
        problems={
            404: _NO_REFERRAL,
            409: (
                "The referral is not unroutable, or was corrected since the version that you name."
            ),
        },
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
        scopes=OPS,
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
        scopes=PUBLISH,
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
        scopes=PUBLISH,
        takes="recall",
        gives={202: Gives("The referral is recalled.", "recalled", links=_REFERRAL_LINKS)},
        problems={404: _NO_REFERRAL, 409: _NOT_RECALLED},
    ),
    Call(
        id="previewRecall",
        method="POST",
        path="/v1/referrals/{id}/recall/preview",
        handler=dry_runs.recall,
        tag=Tag.REFERRALS,
        summary="Preview a recall",
        description=(
            "Says what a recall would write, and who would have to destroy the referral. The "
            "recall is done and rolled back, so it is refused here where it would be refused."
        ),
        scopes=PUBLISH,
        takes="recall",
        gives={200: Gives("What would be written. Nothing has changed.", "dry-run")},
        problems={404: _NO_REFERRAL, 409: _NOT_RECALLED},
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
        scopes=PUBLISH,
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
        problems={
            410: "The feed cannot be read on from this cursor, because the broker was restored for "
            "example. `since` says what may be missing, and `read_on` has the cursor to use.",
            422: "The cursor, the wait or the limit is not valid.",
        },
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
