"""The rows of the table with which ops change organisations of the directory."""

from __future__ import annotations

from broker.gateway import directory_entries
from broker.gateway.call import Call, Gives, Parameter, Tag
from broker.gateway.calls.parts import BAD_LIMIT, LIMIT, OPS

_NO_ORGANISATION = "No organisation of the directory has this code."
_SEEN = Parameter(
    "The `ETag` of the organisation as you read it: what somebody else changed since is not "
    "overwritten.",
    {"type": "string", "examples": ['"3"']},
)
_NEW = Parameter("`*` for an organisation that is not there yet.", {"type": "string"})
ORGANISATIONS = (
    Call(
        id="listOrganisations",
        method="GET",
        path="/v1/organisations",
        handler=directory_entries.listed,
        tag=Tag.OPERATIONS,
        summary="List the organisations of the directory",
        description="Returns organisations in force, by code, with their versions; `next` goes on.",
        scopes=OPS,
        gives={200: Gives("Organisations.", "organisations")},
        problems={409: "No usable policy is published.", 422: BAD_LIMIT},
        query={
            "after": Parameter(
                "Only organisations whose codes come after this one: `next` of the page before.",
                {"type": "string"},
            ),
            "limit": LIMIT,
        },
    ),
    Call(
        id="showOrganisation",
        method="GET",
        path="/v1/organisations/{code}",
        handler=directory_entries.shown,
        tag=Tag.OPERATIONS,
        summary="Show an organisation of the directory",
        description=(
            "Returns its entry, its version (also as `ETag`), and who changed it when and why."
        ),
        scopes=OPS,
        gives={200: Gives("The organisation.", "organisation")},
        problems={404: _NO_ORGANISATION, 409: "No usable policy is published."},
    ),
    Call(
        id="changeOrganisation",
        method="PUT",
        path="/v1/organisations/{code}",
        handler=directory_entries.changed,
        tag=Tag.OPERATIONS,
        summary="Change an organisation of the directory",
        description=(
            "Makes an organisation what `entry` says, within a second in every process and with no "
            "new policy, or from `starts_at` on. Checked as a policy is before it is published, "
            "where it touches the organisation. May be repeated."
        ),
        scopes=OPS,
        takes="change-organisation",
        gives={200: Gives("The organisation as it is now.", "organisation")},
        problems={
            404: _NO_ORGANISATION,
            409: "It was changed since, or exists already; or no usable policy is published.",
            422: "The entry has faults, each named; or neither header is given.",
        },
        headers={"If-Match": _SEEN, "If-None-Match": _NEW},
    ),
)
