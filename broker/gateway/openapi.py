"""OpenAPI 3.1 of the calls: the schemas come from ``schemas``, the rest is this one table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from broker.channels.registry import CHANNELS
from broker.gateway.examples import EXAMPLES
from schemas import export

_TITLE = "Referral broker"
_ABOUT = (
    "Carries online-abuse referrals from police systems to the agencies that must act, and tells "
    "the police what became of each. Every error is a problem document (RFC 9457); its `next_step` "
    "says what to do. Every call may be repeated."
)
_PROBLEMS = {
    400: "The body cannot be read.",
    401: "The key is not accepted.",
    403: "The key lacks the scope.",
    404: "There is no such thing for this organisation.",
    405: "The address has other methods.",
    408: "The body did not arrive in time.",
    409: "It contradicts what the ledger holds; nothing was changed.",
    413: "The body is too large.",
    415: "The media type or encoding is not taken.",
    422: "The request is invalid; `errors` lists every fault.",
    429: "Too many requests; see Retry-After.",
    500: "Something went wrong here.",
    503: "Not available; nothing was lost, see Retry-After.",
}
_PROBLEM_HEADERS: Mapping[int, Mapping[str, Any]] = {
    401: {"WWW-Authenticate": {"type": "string"}},
    405: {"Allow": {"type": "string"}},
    429: {"Retry-After": {"type": "integer"}},
    503: {"Retry-After": {"type": "integer"}},
}
_LOCATION = {"schema": {"type": "string"}, "description": "Where the referral's state is."}
_ALWAYS = (400, 405, 500, 503)
_WITH_KEY = (401, 403, 429)
_WITH_BODY = (408, 413, 415, 422)


@dataclass(frozen=True, slots=True)
class Call:
    """What there is to say of one call."""

    method: str
    path: str
    summary: str
    scopes: tuple[str, ...] = ()
    takes: str | None = None
    gives: Mapping[int, str | None] = field(default_factory=lambda: {200: None})
    """The kind of document for each status of success."""
    also: tuple[int, ...] = ()
    """Problems beside those that every such call has."""
    query: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    headers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    media: tuple[str, str] = ("application/json", "application/json")


_SECONDS = {"type": "number", "minimum": 0, "maximum": 30}
_LISTED = {"type": "integer", "minimum": 0, "maximum": 200}
_IDEMPOTENCY_KEY = {"type": "string", "pattern": "^[!-~]{1,200}$"}
_DAY = {"type": "string", "format": "date", "examples": ["2026-12-31"]}
_NDJSON = ("application/x-ndjson", "application/x-ndjson")
_PUBLISH = ("publish",)
_COLLECT = ("collect",)
_OPS = ("ops",)
_BOTH = ("publish", "ops")
_ANSWER = ("collect", "ops")
_EVERYBODY = ("publish", "collect", "ops")
CALLS = (
    Call(
        "POST",
        "/v1/referrals",
        "Hand in one referral",
        _PUBLISH,
        takes="referral",
        gives={202: "receipt", 201: "status"},
        also=(409,),
        headers={
            "Idempotency-Key": _IDEMPOTENCY_KEY,
            "Prefer": {"type": "string", "examples": ["wait=10"]},
        },
    ),
    Call(
        "POST",
        "/v1/referrals/bulk",
        "Hand in up to 1,000 referrals, one a line",
        _PUBLISH,
        takes="referral",
        gives={200: "bulk-line"},
        media=_NDJSON,
    ),
    Call(
        "POST",
        "/v1/referrals/check",
        "Say what would become of a referral; store nothing",
        _PUBLISH,
        takes="referral",
        gives={200: "plan"},
        also=(409,),
    ),
    Call(
        "GET",
        "/v1/referrals",
        "Look a referral up by your reference",
        _BOTH,
        gives={200: "status"},
        also=(404, 422),
        query={"reference": {"type": "string", "minLength": 1, "maxLength": 64}},
        required=("reference",),
    ),
    Call(
        "GET",
        "/v1/referrals/{id}",
        "Show one referral",
        _BOTH,
        gives={200: "status"},
        also=(404,),
    ),
    Call(
        "GET",
        "/v1/referrals/{id}/timeline",
        "Everything that happened to a referral",
        _BOTH,
        gives={200: "timeline"},
        also=(404,),
    ),
    Call(
        "POST",
        "/v1/referrals/{id}/areas",
        "Say where the people of an unroutable referral live",
        _BOTH,
        takes="areas",
        gives={202: "areas-given"},
        also=(404, 409),
    ),
    Call(
        "POST",
        "/v1/referrals/{id}/reroute",
        "Route an unroutable referral again, as it is",
        _OPS,
        gives={202: "routed-again"},
        also=(404, 409),
    ),
    Call(
        "POST",
        "/v1/referrals/{id}/corrections",
        "Correct a referral: the whole document again",
        _PUBLISH,
        takes="referral",
        gives={202: "receipt"},
        also=(404, 409),
        headers={"Idempotency-Key": _IDEMPOTENCY_KEY},
    ),
    Call(
        "POST",
        "/v1/referrals/{id}/recall",
        "Take a referral back",
        _PUBLISH,
        takes="recall",
        gives={202: "recalled"},
        also=(404, 409),
    ),
    Call(
        "GET",
        "/v1/events",
        "Your feed after a cursor",
        _PUBLISH,
        gives={200: "feed"},
        also=(422,),
        query={
            "after": {"type": "string"},
            "wait": _SECONDS,
            "limit": {"type": "integer", "minimum": 0, "maximum": 500},
        },
    ),
    Call(
        "POST",
        "/v1/collect",
        "Take what waits, earliest deadline first",
        _COLLECT,
        takes="collect",
        gives={200: "deliveries"},
    ),
    Call(
        "POST",
        "/v1/receipts",
        "Answer up to 1,000 deliveries",
        _COLLECT,
        takes="receipts",
        gives={200: "receipt-results"},
    ),
    Call(
        "POST",
        "/v1/leases/extend",
        "Keep deliveries for longer",
        _COLLECT,
        takes="leases",
        gives={200: "lease-results"},
    ),
    Call(
        "POST",
        "/v1/leases/release",
        "Give deliveries back",
        _COLLECT,
        takes="leases",
        gives={200: "lease-results"},
    ),
    Call(
        "GET",
        "/v1/deliveries/{id}",
        "Show one of your deliveries",
        _COLLECT,
        gives={200: "delivery"},
        also=(404,),
    ),
    Call(
        "POST",
        "/v1/deliveries/{id}/reroute",
        "Send a returned delivery on",
        _OPS,
        takes="reroute",
        gives={200: "rerouted"},
        also=(404, 409),
    ),
    Call(
        "POST",
        "/v1/deliveries/{id}/pause",
        "Let the clocks of a delivery stand that policy lets stand",
        _ANSWER,
        takes="pause",
        gives={200: "paused"},
        also=(404, 409),
    ),
    Call(
        "POST",
        "/v1/deliveries/{id}/resume",
        "Let the clocks of a delivery go on",
        _ANSWER,
        gives={200: "resumed"},
        also=(404,),
    ),
    Call(
        "GET",
        "/v1/escalations",
        "The running escalations that concern you",
        _EVERYBODY,
        gives={200: "escalations"},
        also=(422,),
        query={"limit": _LISTED},
    ),
    Call(
        "POST",
        "/v1/escalations/{id}/acknowledge",
        "Say that a person sees to an escalation",
        _EVERYBODY,
        takes="sees-to",
        gives={200: "escalation"},
        also=(404,),
    ),
    Call("GET", "/v1/queue", "The state of your queue", _COLLECT, gives={200: "queue"}),
    Call("GET", "/v1/queues", "The state of every queue", _OPS, gives={200: "queues"}),
    Call(
        "GET",
        "/v1/attention",
        "What no agency will do by itself",
        _OPS,
        gives={200: "attention"},
        query={"limit": _LISTED},
        also=(422,),
    ),
    Call(
        "GET",
        "/v1/refusals",
        "Bodies that were refused and not kept",
        _BOTH,
        gives={200: "refusals"},
        query={"limit": _LISTED},
        also=(422,),
    ),
    Call(
        "POST",
        "/v1/reconciliations",
        "Say which occurrences of a day have no referral",
        _PUBLISH,
        takes="reconciliation",
        gives={200: "reconciled"},
    ),
    Call(
        "GET",
        "/v1/reconciliations",
        "What came of the daily lists",
        _BOTH,
        gives={200: "reconciliations"},
        query={"limit": _LISTED},
        also=(422,),
    ),
    Call(
        "GET",
        "/v1/reports/deadlines",
        "How long each stage took and what was in time, of what was accepted in a stretch",
        _OPS,
        gives={200: "deadline-report"},
        query={"from": _DAY, "to": _DAY},
        required=("from", "to"),
        also=(422,),
    ),
    Call(
        "GET",
        "/v1/reports/deadlines.csv",
        "The same as a table for spreadsheets",
        _OPS,
        query={"from": _DAY, "to": _DAY},
        required=("from", "to"),
        also=(422,),
        media=("application/json", "text/csv"),
    ),
    Call("GET", "/livez", "The process runs", gives={200: "readiness"}),
    Call("GET", "/readyz", "The process can do its work", gives={200: "readiness"}),
    Call(
        "GET",
        "/metrics",
        "Counts and ages for Prometheus",
        _OPS,
        media=("application/json", "text/plain"),
    ),
    Call("GET", "/openapi.json", "This description"),
    Call("GET", "/docs", "This description as a page", media=("application/json", "text/html")),
)


@cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    paths: dict[str, dict[str, Any]] = {}
    for call in CALLS:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call)
    return {
        "openapi": "3.1.0",
        "info": {"title": _TITLE, "version": "1", "description": _ABOUT},
        "paths": paths,
        "components": {
            "schemas": export.components(channels=CHANNELS.forms),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(call: Call) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "summary": call.summary,
        "operationId": _operation_id(call),
        "tags": [" or ".join(call.scopes) or "anybody"],
        "parameters": list(_parameters(call)),
        "responses": {
            **{str(code): _success(call, kind) for code, kind in _gives(call)},
            **{str(code): _failure(code) for code in _problem_codes(call)},
        },
        "security": [{"key": []}] if call.scopes else [],
    }
    if call.scopes:
        operation["description"] = f"Needs a key with the scope {' or '.join(call.scopes)}."
    if call.takes:
        content = {call.media[0]: _content(call.takes)}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _operation_id(call: Call) -> str:
    words = call.path.translate(str.maketrans("/.", "__", "{}")).strip("_")
    return f"{call.method.lower()}_{words}"


def _parameters(call: Call) -> Iterator[dict[str, Any]]:
    if "{id}" in call.path:
        schema = {"type": "string", "format": "uuid"}
        yield {"name": "id", "in": "path", "required": True, "schema": schema}
    for where, known in (("query", call.query), ("header", call.headers)):
        for name, about in known.items():
            required = name in call.required
            yield {"name": name, "in": where, "required": required, "schema": about}


def _success(call: Call, kind: str | None) -> dict[str, Any]:
    anything = {"type": "object" if call.media[1] == "application/json" else "string"}
    content = _content(kind) if kind else {"schema": anything}
    response = {"description": call.summary, "content": {call.media[1]: content}}
    is_named = "Idempotency-Key" in call.headers
    return response | ({"headers": {"Location": _LOCATION}} if is_named else {})


def _failure(code: int) -> dict[str, Any]:
    content = {"application/problem+json": _reference("problem")}
    headers = {name: {"schema": about} for name, about in _PROBLEM_HEADERS.get(code, {}).items()}
    return {"description": _PROBLEMS[code], "content": content, "headers": headers}


def _gives(call: Call) -> list[tuple[int, str | None]]:
    return list(call.gives.items())


def _problem_codes(call: Call) -> list[int]:
    codes = {*_ALWAYS, *call.also}
    if call.scopes:
        codes |= set(_WITH_KEY)
    if call.takes:
        codes |= set(_WITH_BODY)
    return sorted(codes)


def _content(kind: str) -> dict[str, Any]:
    return _reference(kind) | {"example": EXAMPLES[kind]}


def _reference(kind: str) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{_name(kind)}"}}


def _name(kind: str) -> str:
    return export.component(kind)
