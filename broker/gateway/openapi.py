"""OpenAPI 3.1 of the table of calls; the schemas of documents come from ``schemas``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from broker.channels.registry import CHANNELS
from broker.gateway.call import Call, Gives, Parameter, Tag
from broker.gateway.examples import EXAMPLES
from schemas import export

_ABOUT = (
    "Carries online-abuse referrals from police systems to the agencies that must act, and tells "
    "the police what became of each.\n\n"
    "Every call may be repeated and then gives the same answer. Every error is a problem document "
    "(RFC 9457); its `next_step` says what to do."
)
_INFO = {
    "title": "Referral broker",
    "version": "1",
    "summary": "Safeguarding referrals, delivered and answered in time.",
    "description": _ABOUT,
    "contact": {
        "name": "The operators of the broker",
        "url": "https://referral-broker.example.org/",
    },
    "license": {"name": "MIT", "identifier": "MIT"},
}
_SERVERS = ({"url": "/", "description": "The gateway that served this document."},)
_KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": (
        "A key of your organisation, such as `rb_0123456789abcdef_…`. Each key has one or more of "
        "the scopes `publish`, `collect` and `ops`."
    ),
}
_TAGS: Mapping[Tag, str] = {
    Tag.REFERRALS: "For police systems: publish referrals and follow what became of them.",
    Tag.DELIVERIES: "For agencies: collect your part of referrals and answer.",
    Tag.DEADLINES: "Pause and resume deadlines, and acknowledge missed ones.",
    Tag.RECONCILIATION: "For police systems: find occurrences that have no referral.",
    Tag.OPERATIONS: "For the people who run the broker: what needs them, and figures.",
    Tag.SERVICE: "Health and documentation. These calls need no key.",
}
_PROBLEMS: Mapping[int, str] = {
    400: "We cannot read the request or its body.",
    401: "The key is missing or was not accepted.",
    403: "The key has none of the scopes of this call.",
    405: "The address has other methods; the header Allow lists them.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The media type is not supported, or the body is compressed.",
    422: "The request is invalid; `errors` lists every fault.",
    429: "Too many requests with this key. Wait for the seconds in Retry-After.",
    500: "Something went wrong in the broker. Send the same request again.",
    503: "The broker is not available. Nothing was lost; wait for the seconds in Retry-After.",
}
_RETRY_AFTER = Parameter("How many seconds to wait before the next request.", {"type": "integer"})
_PROBLEM_HEADERS: Mapping[int, tuple[str, Parameter]] = {
    401: ("WWW-Authenticate", Parameter("How to authenticate.", {"type": "string"})),
    405: ("Allow", Parameter("The methods of this address.", {"type": "string"})),
    429: ("Retry-After", _RETRY_AFTER),
    503: ("Retry-After", _RETRY_AFTER),
}
_LOCATION = Parameter("The address of the referral's state.", {"type": "string"})
_AGENCY_CODE = Parameter(
    "The code of the agency.", {"type": "string", "examples": ["stoke-csc"]}, required=True
)
_ALWAYS = (400, 405, 500, 503)
_WITH_KEY = (401, 403, 429)
_WITH_BODY = (408, 413, 415, 422)


def document(calls: Sequence[Call]) -> dict[str, Any]:
    """Return the OpenAPI document of some calls."""
    paths: dict[str, dict[str, Any]] = {}
    for call in calls:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call)
    return {
        "openapi": "3.1.0",
        "info": _INFO,
        "servers": list(_SERVERS),
        "tags": [{"name": str(tag), "description": text} for tag, text in _TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": export.components(channels=CHANNELS.forms),
            "securitySchemes": {"key": _KEY},
        },
    }


def problem_statuses(call: Call) -> list[int]:
    """Return the status of every problem that a call may answer with."""
    statuses = {*_ALWAYS, *call.problems}
    if call.scopes:
        statuses |= set(_WITH_KEY)
    if call.takes:
        statuses |= set(_WITH_BODY)
    return sorted(statuses)


def _operation(call: Call) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": call.id,
        "summary": call.summary,
        "description": _description(call),
        "tags": [str(call.tag)],
        "parameters": list(_parameters(call)),
        "responses": {
            **{str(status): _success(gives) for status, gives in call.gives.items()},
            **{str(status): _problem(call, status) for status in problem_statuses(call)},
        },
        "security": [{"key": []}] if call.scopes else [],
    }
    if call.takes:
        content = {call.takes_media_type: _content(call.takes)}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _description(call: Call) -> str:
    if not call.scopes:
        return call.description
    scopes = " or ".join(f"`{scope}`" for scope in call.scopes)
    return f"{call.description}\n\nNeeds a key with the scope {scopes}."


def _parameters(call: Call) -> Iterator[dict[str, Any]]:
    if "{id}" in call.path:
        noun = "referral" if "/referrals/" in call.path else call.path.split("/")[2].rstrip("s")
        schema = {"type": "string", "format": "uuid"}
        yield _parameter("id", "path", Parameter(f"The ID of the {noun}.", schema, required=True))
    if "{code}" in call.path:
        yield _parameter("code", "path", _AGENCY_CODE)
    for name, parameter in call.query.items():
        yield _parameter(name, "query", parameter)
    for name, parameter in call.headers.items():
        yield _parameter(name, "header", parameter)


def _parameter(name: str, place: str, parameter: Parameter) -> dict[str, Any]:
    return {
        "name": name,
        "in": place,
        "required": parameter.required,
        "description": parameter.description,
        "schema": dict(parameter.schema),
    }


def _success(gives: Gives) -> dict[str, Any]:
    type_ = "object" if gives.media_type == "application/json" else "string"
    content = _content(gives.kind) if gives.kind else {"schema": {"type": type_}}
    response: dict[str, Any] = {
        "description": gives.description,
        "content": {gives.media_type: content},
    }
    if gives.location:
        response["headers"] = {"Location": _header(_LOCATION)}
    if gives.links:
        response["links"] = {
            name: {
                "operationId": link.to,
                "parameters": {link.parameter: link.value},
                "description": link.description,
            }
            for name, link in gives.links.items()
        }
    return response


def _problem(call: Call, status: int) -> dict[str, Any]:
    response: dict[str, Any] = {
        "description": call.problems.get(status) or _PROBLEMS[status],
        "content": {"application/problem+json": _reference("problem")},
    }
    if status in _PROBLEM_HEADERS:
        name, header = _PROBLEM_HEADERS[status]
        response["headers"] = {name: _header(header)}
    return response


def _header(header: Parameter) -> dict[str, Any]:
    return {"description": header.description, "schema": dict(header.schema)}


def _content(kind: str) -> dict[str, Any]:
    return _reference(kind) | {"example": EXAMPLES[kind]}


def _reference(kind: str) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{export.component(kind)}"}}
