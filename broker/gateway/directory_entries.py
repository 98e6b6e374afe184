"""The calls with which ops change organisations of the directory one at a time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from broker.admin.directory_changes import DirectoryChanges
from broker.domain.ids import OrganisationCode
from broker.errors import Fault, Invalid
from broker.gateway.request_bodies import limit_of, parse_body_as_sent
from broker.gateway.responses import json_response
from broker.gateway.state import Gateway, caller_of, gateway_of
from broker.ledger.directory import ChangeContext
from schemas import requests

_VERSION = re.compile(r'"([0-9]{1,9})"')


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
    """Return an organisation with its last version. Raises NotFound."""
    gateway = gateway_of(request)
    return await gateway.run(_shown, gateway, OrganisationCode(request.path_params["code"]))


async def changed(request: Request) -> Response:
    """Make an organisation what the body says. Raises Invalid, NotFound or Conflict."""
    gateway = gateway_of(request)
    body, sent = await parse_body_as_sent(request, requests.CHANGE_ORGANISATION)
    expected = _expected(request)
    context = gateway.context
    actor = caller_of(request).acting_for(body.by)
    by = ChangeContext(actor, body.reason, context.clock(), body.starts_at)
    code = OrganisationCode(request.path_params["code"])
    await gateway.run(_changes(gateway).put, code, sent["entry"], by, expected=expected)
    return await gateway.run(_shown, gateway, code)


def _changes(gateway: Gateway) -> DirectoryChanges:
    return DirectoryChanges(gateway.context.ledger, gateway.context.policies)


def _shown(gateway: Gateway, code: OrganisationCode) -> Response:
    changes = _changes(gateway)
    version, entry = changes.current(code)
    return json_response(_to_json(gateway, code, version, entry), headers={"ETag": f'"{version}"'})


def _to_json(
    gateway: Gateway, code: OrganisationCode, version: int, entry: Mapping[str, Any]
) -> dict[str, Any]:
    versions = [
        {
            "version": known.version,
            "starts_at": known.starts_at,
            "in_force_at": known.in_force_at,
            "by": known.actor,
            "reason": known.reason,
        }
        for known in _changes(gateway).versions(code)
    ]
    return {
        "code": code,
        "version": version,
        "entry": entry,
        "versions": versions,
        "policy_version": gateway.context.policies.latest().version,
    }


def _expected(request: Request) -> int | None:
    """Return the version that the caller saw; None where there must be no such organisation.

    Raises Invalid without either header.
    """
    if request.headers.get("if-none-match") == "*":
        return None
    match = _VERSION.fullmatch(request.headers.get("if-match", ""))
    if match is None:
        message = "Give 'If-Match' with the ETag that you read, or 'If-None-Match: *' to add one."
        raise Invalid(message, faults=[Fault("/If-Match", "missing", message)])
    return int(match[1])
