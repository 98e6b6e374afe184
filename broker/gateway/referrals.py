"""The publisher's calls: hand in, check, look up, follow."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeGuard

import orjson
from starlette.requests import Request
from starlette.responses import Response

from broker.domain.codes import RecallReason, Scope
from broker.domain.ids import OrganisationCode, ReferralId
from broker.domain.referral import (
    Accepted,
    NewReferral,
    ReferralStatus,
)
from broker.domain.states import ReferralState
from broker.errors import BrokerError, Fault, Invalid, NotFound, PolicyError, TooLarge
from broker.flow import accept, answer
from broker.flow import correct as correcting
from broker.gateway import responses
from broker.gateway.authentication import Caller
from broker.gateway.context import Gateway, caller, gateway, identifier
from broker.gateway.long_polls import until
from broker.gateway.problems import instance_of, problem
from broker.gateway.request_bodies import BULK_LIMIT, NDJSON, asked, body, number
from broker.gateway.request_bodies import answer as respond
from broker.intake.http import Answers
from schemas import documents, requests

BULK_LINES = 1000
LONGEST_WAIT = 30
PAGE = 500
SMALL = 8 * 1024
"""A body of so many bytes is read at once: handing it to a thread would take as long."""
_WAIT = re.compile(r'(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})(?:\.\d*)?"?\s*(?:$|[,;])', re.IGNORECASE)
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


async def publish(request: Request) -> Response:
    """Hand in one referral."""
    who, here = await caller(request, Scope.PUBLISH), gateway(request)
    sent = await body(request, limit=documents.SIZE_LIMIT)
    key = _idempotency_key(request)
    new = await _screened(here, who, sent, key)
    (accepted,) = await _committed(here, [_caused_by(request, here, new)])
    if isinstance(accepted, BrokerError):
        raise accepted
    headers = {"Location": f"/v1/referrals/{accepted.id}"}
    seconds = _preferred_wait(request)
    if seconds is None:
        return respond(responses.receipt(accepted), 202, headers)
    headers["Preference-Applied"] = f"wait={seconds}"
    return await _after_routing(here, who, accepted, seconds, headers)


async def publish_bulk(request: Request) -> Response:
    """Hand in up to 1,000 referrals, one a line; one result a line, in order."""
    who, here = await caller(request, Scope.PUBLISH), gateway(request)
    lines = (await body(request, limit=BULK_LIMIT, media_type=NDJSON)).splitlines()
    if len(lines) > BULK_LINES:
        words = f"Send at most {BULK_LINES} lines at once."
        raise TooLarge(words, faults=[Fault("", "too-many-lines", words)])
    screened = await here.run(_screen_all, here, who, lines)
    fit = [_caused_by(request, here, one) for one in screened if _is_fit(one)]
    answers = iter(await _committed(here, fit) if fit else [])
    results = [next(answers) if _is_fit(one) else one for one in screened]
    instance = instance_of(request)
    told = [_line(place, one, instance) for place, one in enumerate(results, start=1)]
    return Response(b"".join(orjson.dumps(one) + b"\n" for one in told), media_type=NDJSON)


async def check(request: Request) -> Response:
    """Say what would become of a referral; nothing is stored."""
    who, here = await caller(request, Scope.PUBLISH), gateway(request)
    sent = await body(request, limit=documents.SIZE_LIMIT)
    checked = await here.run(accept.check, here.context, who.organisation, sent)
    if checked.plan is None:
        raise Invalid("The referral would be rejected.", faults=checked.faults)
    return respond(_plan(checked, await names(here)))


async def look_up(request: Request) -> Response:
    """Return one referral by the publisher's reference."""
    who, here = await caller(request, Scope.PUBLISH, Scope.OPS), gateway(request)
    reference = request.query_params.get("reference")
    if not reference or "\x00" in reference or len(reference) > 64:
        told = "Give your own reference: /v1/referrals?reference=…"
        raise Invalid(told, faults=[Fault("/reference", "bad-reference", told)])
    found = await here.run(here.context.ledger.queries.referral, who.sees, reference=reference)
    return await _shown(here, found)


async def show(request: Request) -> Response:
    """Return one referral."""
    who, here = await caller(request, Scope.PUBLISH, Scope.OPS), gateway(request)
    return await _shown(here, await _own(here, who, identifier(request)))


async def timeline(request: Request) -> Response:
    """Return everything that happened to one referral."""
    who, here = await caller(request, Scope.PUBLISH, Scope.OPS), gateway(request)
    found = await _own(here, who, identifier(request))
    if found is None:
        raise NotFound("There is no such referral.")
    events = await here.run(here.context.ledger.queries.timeline, found.id)
    shown = [responses.happened(event, names=who.sees is None) for event in events]
    return respond({"referral": str(found.id), "events": shown})


async def events(request: Request) -> Response:
    """Return the publisher's feed after a cursor."""
    who, here = await caller(request, Scope.PUBLISH), gateway(request)
    after, limit = request.query_params.get("after", ""), int(number(request, "limit", 100, PAGE))
    seconds = number(request, "wait", 0, LONGEST_WAIT)
    feed = here.context.ledger.queries.feed
    found, cursor = await here.run(feed, who.organisation, after=after, limit=limit)
    end = until(seconds if limit else 0)
    while not found and await here.poller.for_news(who.organisation, cursor, end):
        found, cursor = await here.run(feed, who.organisation, after=cursor, limit=limit)
    return respond({"events": [responses.event(one) for one in found], "next": cursor})


async def give_areas(request: Request) -> Response:
    """Say where the people of an unroutable referral live, so that it is routed again."""
    who, here = await caller(request, Scope.PUBLISH, Scope.OPS), gateway(request)
    given = await asked(request, requests.AREAS)
    found = await _own(here, who, identifier(request))
    if found is None:
        raise NotFound("There is no such referral.")
    areas = given.areas
    await here.run(answer.give_areas, here.context, found.id, areas, actor=who.actor)
    return respond({"id": str(found.id), "areas": areas}, 202)


async def retry_routing(request: Request) -> Response:
    """Route an unroutable referral again as it is, under the policy in force (ops)."""
    who, here = await caller(request, Scope.OPS), gateway(request)
    found = await _own(here, who, identifier(request))
    if found is None:
        raise NotFound("There is no such referral.")
    await here.run(answer.retry_routing, here.context, found.id, actor=who.actor)
    return respond({"id": str(found.id)}, 202)


async def correct(request: Request) -> Response:
    """Hand in the whole corrected document: everybody who has the referral gets it."""
    who, here = await caller(request, Scope.PUBLISH), gateway(request)
    sent = await body(request, limit=documents.SIZE_LIMIT)
    kept = await here.run(
        correcting.correct,
        here.context,
        who.organisation,
        ReferralId(identifier(request)),
        sent,
        idempotency_key=_idempotency_key(request),
        actor=who.actor,
    )
    return respond(responses.receipt(kept), 202, {"Location": f"/v1/referrals/{kept.id}"})


async def recall(request: Request) -> Response:
    """Take a referral back: everybody who has it must destroy it and say so."""
    who, here = await caller(request, Scope.PUBLISH), gateway(request)
    wanted = await asked(request, requests.RECALL)
    kept = await here.run(
        correcting.recall,
        here.context,
        who.organisation,
        ReferralId(identifier(request)),
        RecallReason(wanted.reason),
        by=wanted.by,
        actor=who.actor,
    )
    return respond(responses.recalled(kept), 202)


async def names(here: Gateway) -> dict[OrganisationCode, str]:
    """Return every organisation's name; none while no policy was ever published."""
    try:
        book = await here.run(here.context.policies.latest)
    except PolicyError:
        return {}
    return {organisation.code: organisation.name for organisation in book.directory.organisations}


async def _after_routing(
    here: Gateway, who: Caller, accepted: Accepted, seconds: int, headers: dict[str, str]
) -> Response:
    """Wait for routing: 201 when it is routed, 422 with the faults when it is rejected."""
    await here.poller.for_routing(accepted.id, until(seconds))
    found = await _own(here, who, accepted.id)
    assert found is not None
    if found.state is ReferralState.REJECTED:
        faults = [Fault(**fault) for fault in found.faults]
        raise Invalid("The referral was rejected; it waits for a corrected one.", faults=faults)
    shown = {**responses.receipt(accepted), **responses.status(found, await names(here))}
    return respond(shown, 201 if found.routed_at else 202, headers)


async def _committed(here: Gateway, new: Sequence[NewReferral]) -> Answers:
    """Have referrals accepted in the next commit of this process."""
    answers: asyncio.Future[Answers] = asyncio.wrap_future(here.commits.submit(new))
    return await answers


async def _own(here: Gateway, who: Caller, id_: Any) -> ReferralStatus | None:
    return await here.run(here.context.ledger.queries.referral, who.sees, id=ReferralId(id_))


async def _shown(here: Gateway, found: ReferralStatus | None) -> Response:
    if found is None:
        raise NotFound("There is no such referral.")
    return respond(responses.status(found, await names(here)))


async def _screened(here: Gateway, who: Caller, sent: bytes, key: str | None) -> NewReferral:
    if len(sent) <= SMALL:
        with suppress(Invalid):
            return _screen(here, who, sent, key)
    return await here.run(_screen_or_note, here, who, sent, key)


def _screen(here: Gateway, who: Caller, sent: bytes, key: str | None) -> NewReferral:
    return accept.screen(here.context, who.organisation, sent, idempotency_key=key, actor=who.actor)


def _screen_or_note(here: Gateway, who: Caller, sent: bytes, key: str | None) -> NewReferral:
    with accept.recording_refusals(here.context, who.organisation, sent):
        return _screen(here, who, sent, key)


def _screen_all(
    here: Gateway, who: Caller, lines: Sequence[bytes]
) -> list[NewReferral | BrokerError]:
    """Screen each line by itself: one that is wrong stops no other."""
    screened: list[NewReferral | BrokerError] = []
    for line in lines:
        try:
            screened.append(_screen_or_note(here, who, line, None))
        except Invalid as error:
            screened.append(error)
    return screened


def _caused_by(request: Request, here: Gateway, new: NewReferral) -> NewReferral:
    """Return a referral with the publisher's own span, where somebody collects traces."""
    if not here.context.traces:
        return new
    return replace(new, traceparent=request.headers.get("traceparent"))


def _is_fit(new_referral: NewReferral | BrokerError) -> TypeGuard[NewReferral]:
    return isinstance(new_referral, NewReferral)


def _line(place: int, one: Any, instance: str) -> dict[str, Any]:
    if isinstance(one, BrokerError):
        told = problem(one, instance)
        return {"line": place, "status": told["status"], "problem": told}
    return {"line": place, "status": 202, "receipt": responses.receipt(one)}


def _plan(checked: accept.Checked, names: dict[OrganisationCode, str]) -> dict[str, Any]:
    plan = checked.plan
    assert plan is not None
    return {
        "state": "unroutable" if plan.unroutable_reason else "routed",
        "reason": plan.unroutable_reason,
        "attend_by": plan.attend_by,
        "effective_grade": str(plan.effective_grade),
        "defects": checked.defects,
        "warnings": plan.warnings,
        "deliveries": [
            {
                "agency": assignment.agency,
                "agency_name": names.get(assignment.agency, assignment.agency),
                "role": str(assignment.role),
                "row": assignment.row,
                "view": assignment.view,
                "held_until": assignment.held_until,
                "clock_start": assignment.clock_start,
                "deadlines": {f"{m}_by": due for m, due in assignment.due.items()},
                "explanation": assignment.explanation,
            }
            for assignment in plan.assignments
        ],
    }


def _preferred_wait(request: Request) -> int | None:
    """Read ``Prefer: wait=N`` (RFC 7240, section 4.3), bounded."""
    match = _WAIT.search(request.headers.get("prefer", ""))
    return min(int(match[1]), LONGEST_WAIT) if match else None


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        told = "Use 1 to 200 printable ASCII characters without blanks as Idempotency-Key."
        raise Invalid(told, faults=[Fault("", "bad-idempotency-key", told)])
    return key
