"""The publisher's calls: publish, check, look up, follow, correct and recall referrals."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeGuard
from uuid import UUID

import orjson
from starlette.requests import Request
from starlette.responses import Response

from broker.admin import told_report
from broker.domain.codes import RecallReason
from broker.domain.ids import OrganisationCode, ReferralId
from broker.domain.referral import Accepted, NewReferral, ReferralStatus
from broker.domain.states import ReferralState
from broker.errors import BrokerError, Fault, Invalid, Malformed, NotFound, TooLarge
from broker.flow import accept, answer
from broker.flow import correct as corrections
from broker.gateway import responses
from broker.gateway.authentication import Caller
from broker.gateway.long_polls import until
from broker.gateway.problems import instance_of, problem
from broker.gateway.request_bodies import BULK_LIMIT, JSON, NDJSON, number, parse_body, read_body
from broker.gateway.responses import json_response
from broker.gateway.state import (
    Gateway,
    caller_of,
    directory_in_force,
    gateway_of,
    identifier,
    share_of,
)
from broker.intake.base import Submission, screened, screened_or_recorded
from broker.intake.http_intake import Answers
from broker.telemetry import error_fields, logger
from schemas import documents, requests

BULK_LINES = 1000
LONGEST_WAIT = 30
PAGE = 500
SMALL = 8 * 1024
"""A body of so many bytes is read at once: handing it to a thread would take as long."""
_WAIT = re.compile(r'(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})(?:\.\d*)?"?\s*(?:$|[,;])', re.IGNORECASE)
_HANDLING = re.compile(
    r'(?:^|[,;\s])handling\s*=\s*"?(strict|lenient)"?\s*(?:$|[,;])', re.IGNORECASE
)
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
_log = logger("gateway")


async def publish(request: Request) -> Response:
    """Publish one referral."""
    gateway = gateway_of(request)
    body = await _referral_body(request, limit=documents.SIZE_LIMIT)
    strict = _is_strict(request)
    submission = _submission(request, body, key=_idempotency_key(request), strict=strict)
    (accepted,) = await _committed(gateway, [await _screened(gateway, submission)])
    if isinstance(accepted, BrokerError):
        raise accepted
    headers = {"Location": f"/v1/referrals/{accepted.id}", **_applied(strict=strict)}
    seconds = _preferred_wait(request)
    if seconds is None:
        return json_response(responses.receipt(accepted), 202, headers)
    headers |= _applied(strict=strict, seconds=seconds)
    return await _after_routing(request, accepted, seconds, headers)


async def publish_bulk(request: Request) -> Response:
    """Publish up to 1,000 referrals, one on each line; one result for each line, in order."""
    gateway = gateway_of(request)
    with gateway.shares.bulk(share_of(request)):
        body = await _referral_body(request, limit=BULK_LIMIT, media_type=NDJSON)
        lines = await gateway.run(_lines_or_refusal, gateway, caller_of(request), body)
        written = await _accept_lines(request, lines)
    headers = _applied(strict=_is_strict(request))
    return Response(b"".join(written), media_type=NDJSON, headers=headers)


async def check(request: Request) -> Response:
    """Return what would become of a referral; nothing is stored."""
    caller, gateway = caller_of(request), gateway_of(request)
    body = await read_body(request, limit=documents.SIZE_LIMIT)
    strict = _is_strict(request)
    checked = await gateway.run(
        accept.check, gateway.context, caller.organisation, body, strict=strict
    )
    if checked.plan is None:
        raise Invalid("The referral would be rejected.", faults=checked.faults)
    return json_response(
        responses.plan(checked.plan, checked.defects, await organisation_names(gateway)),
        headers=_applied(strict=strict),
    )


async def look_up(request: Request) -> Response:
    """Return one referral by the publisher's reference."""
    caller, gateway = caller_of(request), gateway_of(request)
    reference = request.query_params.get("reference")
    if not reference or "\x00" in reference or len(reference) > 64:
        message = "Give your own reference: /v1/referrals?reference=…"
        raise Invalid(message, faults=[Fault("/reference", "bad-reference", message)])
    ledger = gateway.context.ledger
    referral = await gateway.run(ledger.queries.referral, caller.sees, reference=reference)
    return await _shown(gateway, _existing(referral))


async def show(request: Request) -> Response:
    """Return one referral."""
    gateway = gateway_of(request)
    return await _shown(gateway, await _named(request))


async def told(request: Request) -> Response:
    """Return who was told about one referral."""
    return json_response(await _told(request))


async def told_csv(request: Request) -> Response:
    """Return who was told about one referral as a table for spreadsheets."""
    headers = {"Content-Disposition": 'attachment; filename="told.csv"'}
    text = told_report.as_csv(await _told(request))
    return Response(text, headers=headers, media_type="text/csv; charset=utf-8")


async def timeline(request: Request) -> Response:
    """Return everything that happened to one referral."""
    caller, gateway = caller_of(request), gateway_of(request)
    referral = await _named(request)
    events = await gateway.run(gateway.context.ledger.queries.timeline, referral.id)
    shown = [responses.happened(event, names=caller.sees is None) for event in events]
    return json_response({"referral": str(referral.id), "events": shown})


async def feed(request: Request) -> Response:
    """Return the publisher's events after a cursor."""
    caller, gateway = caller_of(request), gateway_of(request)
    after, limit = request.query_params.get("after", ""), int(number(request, "limit", 100, PAGE))
    seconds = number(request, "wait", 0, LONGEST_WAIT)
    gateway.poller.check(seconds)
    read = gateway.context.ledger.queries.feed
    events, cursor = await gateway.run(read, caller.organisation, after=after, limit=limit)
    end = until(seconds if limit else 0)
    wait = gateway.poller.for_news
    while not events and await wait(request, caller.organisation, cursor, end):
        events, cursor = await gateway.run(read, caller.organisation, after=cursor, limit=limit)
    return json_response({"events": [responses.event(event) for event in events], "next": cursor})


async def give_areas(request: Request) -> Response:
    """Add the areas of the people of an unroutable referral, so that it is routed."""
    caller, gateway = caller_of(request), gateway_of(request)
    given = await parse_body(request, requests.AREAS)
    referral = await _named(request)
    await gateway.run(
        answer.give_areas,
        gateway.context,
        referral.id,
        given.areas,
        actor=caller.actor,
        expected_version=given.expected_version,
    )
    return json_response({"id": str(referral.id), "areas": given.areas}, 202)


async def retry_routing(request: Request) -> Response:
    """Retry the routing of an unroutable referral, under the policy in force."""
    caller, gateway = caller_of(request), gateway_of(request)
    referral = await _named(request)
    await gateway.run(answer.retry_routing, gateway.context, referral.id, actor=caller.actor)
    return json_response({"id": str(referral.id)}, 202)


async def correct(request: Request) -> Response:
    """Accept the whole corrected document: every agency that has the referral gets it."""
    caller, gateway = caller_of(request), gateway_of(request)
    body = await _referral_body(request, limit=documents.SIZE_LIMIT)
    strict = _is_strict(request)
    accepted = await gateway.run(
        corrections.correct,
        gateway.context,
        caller.organisation,
        ReferralId(identifier(request)),
        body,
        idempotency_key=_idempotency_key(request),
        actor=caller.actor,
        strict=strict,
    )
    headers = {"Location": f"/v1/referrals/{accepted.id}", **_applied(strict=strict)}
    return json_response(responses.receipt(accepted), 202, headers)


async def recall(request: Request) -> Response:
    """Recall a referral: every agency that has it must destroy it and confirm that."""
    caller, gateway = caller_of(request), gateway_of(request)
    body = await parse_body(request, requests.RECALL)
    recalled = await gateway.run(
        corrections.recall,
        gateway.context,
        caller.organisation,
        ReferralId(identifier(request)),
        RecallReason(body.reason),
        by=body.by,
        actor=caller.actor,
        expected_version=body.expected_version,
    )
    return json_response(responses.recalled(recalled), 202)


async def organisation_names(gateway: Gateway) -> Mapping[OrganisationCode, str]:
    """Return every organisation's name; empty before the first policy is published."""
    directory = await directory_in_force(gateway)
    return directory.names if directory else {}


async def _after_routing(
    request: Request, accepted: Accepted, seconds: int, headers: dict[str, str]
) -> Response:
    """Wait for routing: 201 when it is routed, 422 with the faults when it is rejected.

    The referral is accepted already: where it cannot be read again, its receipt is the answer.
    """
    gateway, caller = gateway_of(request), caller_of(request)
    await gateway.poller.for_routing(request, accepted.id, until(seconds))
    try:
        referral = _existing(await _find(gateway, caller, accepted.id))
        names = await organisation_names(gateway)
    except Exception as error:
        _log.warning("state of an accepted referral unknown", **error_fields(error))
        return json_response(responses.receipt(accepted), 202, headers)
    if referral.state is ReferralState.REJECTED:
        faults = [Fault(**fault) for fault in referral.faults]
        raise Invalid("The referral was rejected. Send a corrected one.", faults=faults)
    status = responses.status(referral, names, now=gateway.context.clock())
    shown = {**responses.receipt(accepted), **status}
    return json_response(shown, 201 if referral.routed_at else 202, headers)


async def _committed(gateway: Gateway, new: Sequence[NewReferral]) -> Answers:
    """Have referrals accepted in the next commit of this process."""
    answers: asyncio.Future[Answers] = asyncio.wrap_future(gateway.commits.submit(new))
    return await answers


def _lines_of(body: bytes) -> list[bytes]:
    """Return the lines of a bulk. Raises TooLarge, however many there are, without making them."""
    ends = body.count(b"\n") + body.count(b"\r")  # a line may end with both
    lines = body.splitlines() if ends <= 2 * BULK_LINES else None
    if lines is None or len(lines) > BULK_LINES:
        message = f"Send at most {BULK_LINES} lines at once."
        raise TooLarge(message, faults=[Fault("", "too-many-lines", message)])
    return lines


def _lines_or_refusal(gateway: Gateway, caller: Caller, body: bytes) -> list[bytes]:
    """Return the lines of a bulk; one with too many has an owner as every refused body has."""
    try:
        return _lines_of(body)
    except TooLarge as error:
        publisher = caller.organisation
        refused = accept.RefusedBody(publisher, body, error, is_bulk=True)
        accept.record_refusals(gateway.context, [refused])
        raise


async def _accept_lines(request: Request, lines: Sequence[bytes]) -> list[bytes]:
    """Accept the lines of a bulk and return their results, in order.

    Some at a time, as their turn comes, so that no other call waits for the whole.
    """
    shares, share = gateway_of(request).shares, share_of(request)
    written: list[bytes] = []
    async with share.usage.bulk:
        while len(written) < len(lines):
            async with shares.turns.part(share.key) as most:
                written += await _accept_some(request, lines, len(written), most)
    return written


async def _accept_some(
    request: Request, lines: Sequence[bytes], start: int, most: int
) -> list[bytes]:
    """Accept some lines of a bulk in one commit, and return their results."""
    gateway, strict = gateway_of(request), _is_strict(request)
    some = lines[start : start + most]
    submissions = [_submission(request, line, strict=strict) for line in some]
    looked_over = await gateway.run(screened_or_recorded, gateway.context, submissions)
    fit = [line for line in looked_over if _is_fit(line)]
    answers = iter(await _committed(gateway, fit) if fit else [])
    results = [line if isinstance(line, BrokerError) else next(answers) for line in looked_over]
    instance = instance_of(request)
    return [
        orjson.dumps(_line(place, result, instance)) + b"\n"
        for place, result in enumerate(results, start=start + 1)
    ]


async def _named(request: Request) -> ReferralStatus:
    """Return the referral in the address. Raises NotFound."""
    gateway, id_ = gateway_of(request), ReferralId(identifier(request))
    referral = await _find(gateway, caller_of(request), id_)
    if referral is None:
        raise await gateway.run(corrections.unknown_referral, gateway.context, id_)
    return referral


async def _find(gateway: Gateway, caller: Caller, id_: UUID) -> ReferralStatus | None:
    find = gateway.context.ledger.queries.referral
    return await gateway.run(find, caller.sees, id=ReferralId(id_))


def _existing(referral: ReferralStatus | None) -> ReferralStatus:
    if referral is None:
        raise NotFound("No referral of yours has this ID or reference.")
    return referral


async def _told(request: Request) -> dict[str, Any]:
    referral = await _named(request)
    return told_report.who_was_told(referral, await organisation_names(gateway_of(request)))


async def _shown(gateway: Gateway, referral: ReferralStatus) -> Response:
    names, now = await organisation_names(gateway), gateway.context.clock()
    return json_response(responses.status(referral, names, now=now))


async def _referral_body(request: Request, *, limit: int, media_type: str = JSON) -> bytes:
    """Return a body; one that is refused unread has an owner as every refused one has."""
    try:
        return await read_body(request, limit=limit, media_type=media_type)
    except Invalid as error:
        beginning = error.beginning if isinstance(error, TooLarge) else b""
        caller, gateway = caller_of(request), gateway_of(request)
        if not isinstance(error, Malformed):  # a connection that closed sends it again
            is_bulk = media_type == NDJSON
            refused = accept.RefusedBody(caller.organisation, beginning, error, is_bulk=is_bulk)
            await gateway.run(accept.record_refusals, gateway.context, [refused])
        raise


def _submission(
    request: Request, body: bytes, *, key: str | None = None, strict: bool
) -> Submission:
    """Return a document as every intake hands it over, with the span if traces are collected."""
    caller, gateway = caller_of(request), gateway_of(request)
    return Submission(
        publisher=caller.organisation,
        body=body,
        actor=caller.actor,
        idempotency_key=key,
        traceparent=request.headers.get("traceparent") if gateway.context.traces else None,
        strict=strict,
    )


async def _screened(gateway: Gateway, submission: Submission) -> NewReferral:
    """Screen a small document at once, and a large or a faulty one in a thread."""
    if len(submission.body) <= SMALL and not submission.strict:
        with suppress(Invalid):
            return screened(gateway.context, submission)
    (result,) = await gateway.run(screened_or_recorded, gateway.context, [submission])
    if isinstance(result, Invalid):
        raise result
    return result


def _is_fit(screened: NewReferral | BrokerError) -> TypeGuard[NewReferral]:
    return isinstance(screened, NewReferral)


def _line(place: int, result: Accepted | BrokerError, instance: str) -> responses.Json:
    if isinstance(result, BrokerError):
        document = problem(result, instance)
        return {"line": place, "status": document["status"], "problem": document}
    return {"line": place, "status": 202, "receipt": responses.receipt(result)}


def _preferred_wait(request: Request) -> int | None:
    """Read ``Prefer: wait=N`` (RFC 7240, section 4.3), bounded."""
    match = _WAIT.search(_preferences(request))
    return min(int(match[1]), LONGEST_WAIT) if match else None


def _is_strict(request: Request) -> bool:
    """Read ``Prefer: handling=strict`` (RFC 7240, section 4.4); lenient is the default."""
    match = _HANDLING.search(_preferences(request))
    return match is not None and match[1].lower() == "strict"


def _preferences(request: Request) -> str:
    """Return every header ``Prefer`` as one: several count as one list (RFC 7240, section 2)."""
    return ",".join(request.headers.getlist("prefer"))


def _applied(*, strict: bool, seconds: int | None = None) -> dict[str, str]:
    """Return which preferences were followed, as a header (RFC 7240, section 3)."""
    applied = ["handling=strict"] if strict else []
    if seconds is not None:
        applied.append(f"wait={seconds}")
    return {"Preference-Applied": ", ".join(applied)} if applied else {}


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        message = "Use 1 to 200 printable ASCII characters without blanks as Idempotency-Key."
        raise Invalid(message, faults=[Fault("", "bad-idempotency-key", message)])
    return key
