"""The calls with which ops change organisations of the directory one at a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from broker.admin.directory_changes import Changed, DirectoryChanges
from broker.domain.ids import OrganisationCode
from broker.errors import Fault, Invalid
from broker.gateway.request_bodies import limit_of, parse_body_as_sent
from broker.gateway.responses import json_response
from broker.gateway.state import Gateway, caller_of, gateway_of
from broker.ledger.directory import ChangeContext, OrganisationVersion
from broker.policy.language.entry_edits import EntryCourse, merged
from schemas import requests

MERGE_PATCH = "application/merge-patch+json"
_TAG = re.compile(r'"([0-9]{1,9})(?:\.([0-9]{1,9}))?"')


async def listed(request: Request) -> Response:
    """Return organisations in force, by code, a page at a time."""
    gateway, limit = gateway_of(request), limit_of(request)
    after = request.query_params.get("after", "")
    policy = await gateway.run(gateway.context.policies.latest)
    page = policy.directory.after(after, limit + 1)
    listed_ones = [
        {"code": known.code, "name": known.name, "kind": known.kind, "version": known.version}
        for known in page[:limit]
    ]
    is_last = len(page) <= limit or not listed_ones
    return json_response(
        {"organisations": listed_ones, "next": None if is_last else listed_ones[-1]["code"]}
    )


async def shown(request: Request) -> Response:
    """Return what an organisation is, and what it is set to be later. Raises NotFound."""
    gateway = gateway_of(request)
    return await gateway.run(_shown, gateway, OrganisationCode(request.path_params["code"]))


async def replaced(request: Request) -> Response:
    """Make an organisation what the body says. Raises Invalid, NotFound or Conflict."""
    body, sent = await parse_body_as_sent(request, requests.CHANGE_ORGANISATION)
    expected, in_force = _seen(request, may_be_new=True)
    change = partial(
        _changes(gateway_of(request)).put,
        document=sent["entry"],
        expected=expected,
        in_force=in_force,
    )
    return await _changed(request, body, change)


async def patched(request: Request) -> Response:
    """Change fields of an organisation by a merge patch. Raises Invalid, NotFound or Conflict."""
    body, sent = await parse_body_as_sent(
        request, requests.PATCH_ORGANISATION, media_type=MERGE_PATCH
    )
    expected, in_force = _seen(request, may_be_new=False)
    change = partial(
        _changes(gateway_of(request)).change,
        alter=partial(merged, patch=sent["entry"]),
        expected=expected or 0,
        in_force=in_force,
    )
    return await _changed(request, body, change)


async def _changed(
    request: Request, body: requests.ChangeOrganisation, change: Callable[..., Changed]
) -> Response:
    gateway, context = gateway_of(request), gateway_of(request).context
    actor = caller_of(request).acting_for(body.by)
    by = ChangeContext(actor, body.reason, context.clock(), body.starts_at)
    code = OrganisationCode(request.path_params["code"])
    await gateway.run(change, code, context=by)
    return await gateway.run(_shown, gateway, code)


def _changes(gateway: Gateway) -> DirectoryChanges:
    return DirectoryChanges(gateway.context.ledger, gateway.context.policies)


def _shown(gateway: Gateway, code: OrganisationCode) -> Response:
    changes = _changes(gateway)
    course = changes.course(code, now=gateway.context.clock())
    headers = {"ETag": f'"{course.tag}"', "Accept-Patch": MERGE_PATCH}
    versions = changes.versions(code)
    policy = gateway.context.policies.latest()
    return json_response(_to_json(code, course, versions, policy.version), headers=headers)


def _to_json(
    code: OrganisationCode,
    course: EntryCourse,
    versions: Sequence[OrganisationVersion],
    policy_version: str,
) -> dict[str, Any]:
    return {
        "code": code,
        "version": course.version,
        "in_force": course.in_force,
        "etag": course.tag,
        "entry": course.entry,
        "later": [
            {
                "version": later.version,
                "starts_at": later.starts_at,
                "changes": pointers,
                "entry": later.entry,
            }
            for later, pointers in zip(course.later, course.steps(), strict=True)
        ],
        "versions": [
            {
                "version": known.version,
                "starts_at": known.starts_at,
                "in_force_at": known.in_force_at,
                "by": known.actor,
                "reason": known.reason,
            }
            for known in versions
        ],
        "policy_version": policy_version,
    }


def _seen(request: Request, *, may_be_new: bool) -> tuple[int | None, int | None]:
    """Return which last version the caller saw, and which one in force.

    The first is None where there must be no such organisation. Raises Invalid without either
    header.
    """
    if may_be_new and request.headers.get("if-none-match") == "*":
        return None, None
    match = _TAG.fullmatch(request.headers.get("if-match", ""))
    if match is None:
        message = "Give 'If-Match' with the ETag that you read" + (
            ", or 'If-None-Match: *' to add one." if may_be_new else "."
        )
        raise Invalid(message, faults=[Fault("/If-Match", "missing", message)])
    return int(match[1]), int(match[2] or match[1])
