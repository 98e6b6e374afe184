"""The rows of the table with which ops change organisations of the directory."""

from __future__ import annotations

from dataclasses import replace

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
_RULES = (
    "It counts within a second in every process, with no new policy. What is set for later has "
    "the change too, but keeps each field to which it gives another value: `later` in the answer "
    "says which. Checked as a policy is before it is published, where it touches the "
    "organisation. May be repeated."
)
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
            "Returns what it is now (`entry`), what it is set to be later (`later`), and who "
            "changed it when and why. `ETag` is another one as soon as any of that is."
        ),
        scopes=OPS,
        gives={200: Gives("The organisation.", "organisation")},
        problems={404: _NO_ORGANISATION, 409: "No usable policy is published."},
    ),
    Call(
        id="changeOrganisation",
        method="PUT",
        path="/v1/organisations/{code}",
        handler=directory_entries.replaced,
        tag=Tag.OPERATIONS,
        summary="Replace or add an organisation of the directory",
        description=(
            "Makes an organisation what `entry` says, whole, from now on or from `starts_at` on. "
            + _RULES
        ),
        scopes=OPS,
        takes="change-organisation",
        gives={200: Gives("The organisation as it is now, and later.", "organisation")},
        problems={
            404: _NO_ORGANISATION,
            409: "It was changed since, or exists already; or no usable policy is published.",
            422: "The entry has faults, each named; or neither header is given.",
        },
        headers={"If-Match": _SEEN, "If-None-Match": _NEW},
    ),
    Call(
        id="patchOrganisation",
        method="PATCH",
        path="/v1/organisations/{code}",
        handler=directory_entries.patched,
        tag=Tag.OPERATIONS,
        summary="Change fields of an organisation of the directory",
        description=(
            "Changes the fields that `entry` has, by a merge patch (RFC 7396): null takes a field "
            "out, a list is replaced whole, and what is not named stays. It counts from now on or "
            "from `starts_at` on. " + _RULES
        ),
        scopes=OPS,
        takes="patch-organisation",
        takes_media_type=directory_entries.MERGE_PATCH,
        gives={200: Gives("The organisation as it is now, and later.", "organisation")},
        problems={
            404: _NO_ORGANISATION,
            409: "It was changed since; or no usable policy is published.",
            422: "The entry would have faults, each named; or `If-Match` is not given.",
        },
        headers={"If-Match": replace(_SEEN, required=True)},
    ),
)
