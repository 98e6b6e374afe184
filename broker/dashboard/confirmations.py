"""What is shown after an action, by the key that its address names."""

from __future__ import annotations

from broker.dashboard.access import Visit

CONFIRMATIONS = {
    "replayed": "The delivery is back in its agency's queue.",
    "released": "The delivery is offered to its agency now.",
    "kept": "The delivery stays held; the history says why.",
    "extended": "The delivery is held until the new end.",
    "sent-on": "The delivery was redirected.",
    "settled": "The task is settled.",
    "taken": "You have taken this on. We have stopped alerting other people.",
    "extended-time": "You deal with this for longer. Nobody else is alerted until then.",
    "undone": "Undone. People are alerted again.",
    "offered": "You have asked them to take over. You deal with this until they do.",
    "paused": "Delivery to this agency is suspended. Its deadlines run on.",
    "resumed": "Delivery to this agency has resumed.",
    "organisation-changed": "The organisation was changed.",
    "organisation-set": "The change is set. It starts on the day that you chose.",
    "corrected": "The cause was corrected. The history keeps the first one.",
    "rerouted": "The referral is being routed again.",
    "areas-given": "The area was added. The referral is being routed.",
}


def confirmation_of(visit: Visit) -> str | None:
    """Return what to say of the action that led to this page, if one did."""
    return CONFIRMATIONS.get(visit.request.query_params.get("done", ""))
