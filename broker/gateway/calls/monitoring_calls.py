"""The rows of the table with which ops watch the broker, suspend agencies, and replay."""

from __future__ import annotations

from broker.gateway import dry_runs, monitoring
from broker.gateway.call import Call, Gives, Link, Parameter, Tag
from broker.gateway.calls.parts import LIMIT, OPS

_AGENCY = Parameter("Only this agency, by its code.", {"type": "string", "examples": ["stoke-csc"]})
_NO_AGENCY = "No agency has this code."
_NO_PLAN = "No plan has this ID."
_LINKS = {
    "plan": Link("showReplay", "path.id", "$response.body#/id", "Show the plan."),
    "start": Link("startReplay", "path.id", "$response.body#/id", "Start the plan."),
}
MONITORING = (
    Call(
        id="showHealth",
        method="GET",
        path="/v1/health",
        handler=monitoring.system_health,
        tag=Tag.OPERATIONS,
        summary="Show whether the broker works",
        description="Returns the worst of everything that must work, and all that is not well.",
        scopes=OPS,
        gives={200: Gives("Whether the broker works, as of a few seconds ago.", "system-health")},
    ),
    Call(
        id="showMonitor",
        method="GET",
        path="/v1/monitor",
        handler=monitoring.picture,
        tag=Tag.OPERATIONS,
        summary="Show what is open and at risk",
        description=(
            "Returns whether the broker works, how much is open by time left, the 100 most "
            "urgent deadlines at risk, and every queue in counts and ages."
        ),
        scopes=OPS,
        gives={200: Gives("The picture at one instant.", "monitor")},
    ),
    Call(
        id="listDeadlines",
        method="GET",
        path="/v1/deadlines",
        handler=monitoring.deadlines,
        tag=Tag.OPERATIONS,
        summary="List what is late or due soon",
        description=(
            "Returns open deliveries, and referrals that no agency has, that are late or may "
            "become so: earliest deadline first. With `all=true` everything that is open."
        ),
        scopes=OPS,
        gives={200: Gives("Open work, earliest deadline first.", "open-deadlines")},
        problems={404: _NO_AGENCY, 422: "A limit, a time or a flag is not in its range."},
        query={
            "agency": _AGENCY,
            "within": Parameter(
                "How near a deadline must be, in seconds.",
                {
                    "type": "integer",
                    "minimum": 0,
                    "maximum": int(monitoring.LONGEST_WITHIN.total_seconds()),
                    "default": int(monitoring.SOON.total_seconds()),
                },
            ),
            "all": Parameter(
                "Whether to list everything that is open.", {"type": "boolean", "default": False}
            ),
            "limit": Parameter(
                LIMIT.description, {**LIMIT.schema, "maximum": monitoring.MOST_DEADLINES}
            ),
        },
    ),
    Call(
        id="showMeasures",
        method="GET",
        path="/v1/measures",
        handler=monitoring.measures,
        tag=Tag.OPERATIONS,
        summary="Show figures to compare with limits",
        description=(
            "Returns, in seconds, the longest wait for an acknowledgement, the 95th percentile "
            "of that wait over 24 hours, the longest silence, and how long no worker has led "
            "the sweep. Of one agency, or the worst of all; the last is the broker's own."
        ),
        scopes=OPS,
        gives={200: Gives("The figures.", "measures")},
        problems={404: _NO_AGENCY},
        query={"agency": _AGENCY},
    ),
    Call(
        id="showAgency",
        method="GET",
        path="/v1/agencies/{code}",
        handler=monitoring.agency,
        tag=Tag.OPERATIONS,
        summary="Show whether an agency is suspended",
        description="Returns when an agency was last seen, and whether it is suspended, and why.",
        scopes=OPS,
        gives={200: Gives("What is known of the agency.", "agency-status")},
        problems={404: _NO_AGENCY},
    ),
    Call(
        id="suspendAgency",
        method="POST",
        path="/v1/agencies/{code}/suspend",
        handler=monitoring.suspend_agency,
        tag=Tag.OPERATIONS,
        summary="Stop offering deliveries to an agency",
        description=(
            "Offers nothing to an agency until it is resumed, for example while its system is "
            "rebuilt. Its deadlines do not change. May be repeated."
        ),
        scopes=OPS,
        takes="act-on-agency",
        gives={200: Gives("The agency is suspended.", "agency-status")},
        problems={404: _NO_AGENCY, 409: "It is suspended already, by somebody else."},
    ),
    Call(
        id="previewSuspension",
        method="POST",
        path="/v1/agencies/{code}/suspend/preview",
        handler=dry_runs.suspension,
        tag=Tag.OPERATIONS,
        summary="Preview a suspension",
        description=(
            "Says what a suspension would write. It is done and rolled back, so it is refused "
            "here where it would be refused."
        ),
        scopes=OPS,
        takes="act-on-agency",
        gives={200: Gives("What would be written. Nothing has changed.", "dry-run")},
        problems={404: _NO_AGENCY, 409: "It is suspended already, by somebody else."},
    ),
    Call(
        id="resumeAgency",
        method="POST",
        path="/v1/agencies/{code}/resume",
        handler=monitoring.resume_agency,
        tag=Tag.OPERATIONS,
        summary="Offer deliveries to an agency again",
        description="Offers to a suspended agency again what waits for it. May be repeated.",
        scopes=OPS,
        takes="act-on-agency",
        gives={200: Gives("The agency is resumed.", "agency-status")},
        problems={404: _NO_AGENCY, 409: "It is not suspended."},
    ),
    Call(
        id="listDeadLetters",
        method="GET",
        path="/v1/dead-letters",
        handler=monitoring.dead_letters,
        tag=Tag.OPERATIONS,
        summary="Count what cannot be delivered",
        description="Counts the deliveries that could not be made, by cause and agency.",
        scopes=OPS,
        gives={200: Gives("Each cause and agency, soonest deadline first.", "dead-letters")},
    ),
    Call(
        id="planReplay",
        method="POST",
        path="/v1/replays",
        handler=monitoring.plan_replay,
        tag=Tag.OPERATIONS,
        summary="Plan to replay or redirect dead letters",
        description=(
            "Counts what a replay would take, or a redirect to another agency, and stores the "
            "plan. Nothing changes until it is started. With an ID of your own in the body you "
            "may repeat the call."
        ),
        scopes=OPS,
        takes="plan-replay",
        gives={201: Gives("The plan, and what it would take.", "replay", links=_LINKS)},
        problems={
            409: "Another plan has this ID.",
            422: "The request is invalid, or an agency does not exist.",
        },
    ),
    Call(
        id="showReplay",
        method="GET",
        path="/v1/replays/{id}",
        handler=monitoring.replay,
        tag=Tag.OPERATIONS,
        summary="Show a plan for dead letters",
        description="Returns a plan, what it would still take, and how far it has come.",
        scopes=OPS,
        gives={200: Gives("The plan.", "replay")},
        problems={404: _NO_PLAN},
    ),
    Call(
        id="startReplay",
        method="POST",
        path="/v1/replays/{id}/start",
        handler=monitoring.start_replay,
        tag=Tag.OPERATIONS,
        summary="Start a plan for dead letters",
        description=(
            "Starts a plan; workers carry it out at its pace. `count` must be the number in the "
            "plan, so that nobody starts another one than they saw. May be repeated."
        ),
        scopes=OPS,
        takes="start-replay",
        gives={200: Gives("The plan has started.", "replay")},
        problems={
            404: _NO_PLAN,
            409: "It was started before, by somebody else.",
            422: "The request is invalid, or `count` is not the number in the plan.",
        },
    ),
)
