"""The rows of the table about deliveries: collect, answer, redirect, release them."""

from __future__ import annotations

from broker.domain.codes import Scope
from broker.gateway import deliveries, dry_runs, holds
from broker.gateway.call import Call, Gives, Link, Tag
from broker.gateway.calls.parts import NO_DELIVERY, OPS

_COLLECT = (Scope.COLLECT,)
_LEASE_RESULTS = {200: Gives("One result for each lease, in order.", "lease-results")}
_UNKNOWN = "No delivery has this ID."
_NOT_HELD = (
    "The delivery is not held any more, or its referral was recalled, or corrected since the "
    "version that you name."
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
DELIVERIES = (
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
        gives=_LEASE_RESULTS,
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
        gives=_LEASE_RESULTS,
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
        problems={404: NO_DELIVERY},
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
        scopes=OPS,
        takes="reroute",
        gives={200: Gives("The delivery that takes its place.", "rerouted")},
        problems={
            404: _UNKNOWN,
            409: (
                "The delivery was not returned or was redirected already, its referral was "
                "recalled or corrected since the version that you name, or it must not go to that "
                "agency: `errors` says why."
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
        scopes=OPS,
        takes="reroute",
        gives={200: Gives("Who would see what, by when.", "reroute-preview")},
        problems={
            404: _UNKNOWN,
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
            scopes=OPS,
            takes=takes,
            gives={200: Gives("What became of it.", "hold")},
            problems={
                404: _UNKNOWN,
                409: _NOT_HELD,
            },
        )
        for word, handler, takes, summary, description in _HOLDS
    ),
    Call(
        id="previewRelease",
        method="POST",
        path="/v1/deliveries/{id}/hold/release/preview",
        handler=dry_runs.release,
        tag=Tag.DELIVERIES,
        summary="Preview the release of a held delivery",
        description=(
            "Says what a release would write, with the deadlines that the delivery would have. "
            "It is done and rolled back, so it is refused here where it would be refused."
        ),
        scopes=OPS,
        takes="hold-decision",
        gives={200: Gives("What would be written. Nothing has changed.", "dry-run")},
        problems={
            404: _UNKNOWN,
            409: _NOT_HELD,
        },
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
