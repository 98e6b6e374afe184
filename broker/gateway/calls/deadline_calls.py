"""The rows of the table about deadlines, escalations and notices."""

from __future__ import annotations

from broker.domain.codes import NoticeState, Scope
from broker.gateway import (
    escalations,
)
from broker.gateway.call import Call, Gives, Link, Parameter, Tag
from broker.gateway.calls.parts import BAD_LIMIT, LIMIT, NO_DELIVERY, OPS

_AGENCY_OR_OPS = (Scope.COLLECT, Scope.OPS)
_EVERY_SCOPE = (Scope.PUBLISH, Scope.COLLECT, Scope.OPS)
_TO_DELIVERY = Link("showDelivery", "path.id", "$response.body#/delivery", "Show the delivery.")
_ESCALATION = {200: Gives("The escalation as it is now.", "escalation")}
DEADLINES = (
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
        problems={404: NO_DELIVERY, 409: "No deadline of this delivery may be paused now."},
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
        problems={404: NO_DELIVERY},
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
        problems={422: BAD_LIMIT},
        query={"limit": LIMIT},
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
        scopes=OPS,
        gives={200: Gives("Notices, the latest first.", "notices")},
        problems={422: BAD_LIMIT},
        query={
            "limit": LIMIT,
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
            "Records that a person deals with an escalation. Nobody further up is alerted until "
            "`taken_until`; while it is still late then, alerts go on where they stopped. The "
            "deadline stays missed. An agency that is late itself stops only the alerts to "
            "itself, until `own_until`: the police and ops are alerted all the same."
        ),
        scopes=_EVERY_SCOPE,
        takes="sees-to",
        gives=_ESCALATION,
        problems={404: "No escalation of yours has this ID."},
    ),
    Call(
        id="releaseEscalation",
        method="POST",
        path="/v1/escalations/{id}/release",
        handler=escalations.release,
        tag=Tag.DEADLINES,
        summary="Stop dealing with an escalation",
        description=(
            "Undoes that a person has taken an escalation on: people are alerted again at once, "
            "where the alerts had stopped. Where nobody deals with it, or it has ended, nothing is "
            "changed."
        ),
        scopes=OPS,
        takes="release-escalation",
        gives=_ESCALATION,
        problems={404: "No escalation has this ID."},
    ),
    Call(
        id="handOverEscalation",
        method="POST",
        path="/v1/escalations/{id}/hand-over",
        handler=escalations.hand_over,
        tag=Tag.DEADLINES,
        summary="Hand an escalation over to a colleague",
        description=(
            "Asks a colleague, a person of ops who may act, to take an escalation over. The person "
            "who deals with it, `by`, does so until the colleague acknowledges it or `taken_until` "
            "has passed."
        ),
        scopes=OPS,
        takes="hand-over-escalation",
        gives=_ESCALATION,
        problems={
            404: "No escalation has this ID.",
            409: "The person `by` does not deal with the escalation.",
            422: "No other person of ops who may act has the name in `to`.",
        },
    ),
)
