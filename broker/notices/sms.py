"""Notices as text messages, by GOV.UK Notify: one sentence and a link.

Another gateway that answers as Notify does can stand in its place (BROKER_NOTIFY_URL); one that
does not is called by a command. What Notify sends is a template of the service's own, which must be
``((message))`` and nothing else, so that the whole text is the broker's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

import orjson
from joserfc import jwt
from joserfc.jwk import OctKey

from broker.domain.ids import Clock
from broker.notices.base import Deferred, Message, NoticeOutcome, Refused, Sent
from broker.settings import NotifyService
from broker.transport.http import Answered, Forbidden, PostResult, SafePost, Unanswered

FIELD = "message"
"""The name of the placeholder in the template."""
LONGEST = 400
"""In characters: at most three parts of a text message, with a link."""
_LATER = frozenset({408, 425, 429})
_KEY_REFUSED = frozenset({401, 403})


class Sms:
    """Sends by Notify. Numbers are those of the directory, or that a member gave."""

    def __init__(self, notify: NotifyService, *, clock: Clock) -> None:
        self._notify = notify
        self._clock = clock
        # The operator chose the address; settings let no plain HTTP out of this machine.
        self._sender = SafePost(None, clock=clock, allow_private=True)

    def send(self, address: str, message: Message) -> NoticeOutcome:
        """Send the sentence of a notice."""
        body = {
            "phone_number": address,
            "template_id": self._notify.template,
            "personalisation": {FIELD: message.short[:LONGEST]},
            "reference": message.id,
        }
        return _outcome(self._post("/v2/notifications/sms", message.id, body))

    def check(self) -> str:
        """Have Notify show the template, which sends nothing; return what is wrong, if anything."""
        sample = "A test of the broker."
        path = f"/v2/template/{self._notify.template}/preview"
        match self._post(path, "check", {"personalisation": {FIELD: sample}}):
            case Answered(status=200, body=body):
                return _template_fault(body, sample)
            case Answered(status=status) if status in _KEY_REFUSED:
                return "the key is refused: it is revoked, or the clock is wrong"
            case Answered(status=404):
                return "there is no such template"
            case Answered(status=status):
                return f"Notify answers with {status}"
            case Forbidden(code=code) | Unanswered(code=code):
                return f"Notify does not answer: {code}"
            case result:
                assert_never(result)

    def _post(self, path: str, id_: str, body: Mapping[str, object]) -> PostResult:
        claims = {"iss": self._notify.service, "iat": int(self._clock().timestamp())}
        key = OctKey.import_key(self._notify.secret)
        token = jwt.encode({"alg": "HS256", "typ": "JWT"}, claims, key)
        return self._sender.post(
            f"{self._notify.url}{path}",
            id_=id_,
            body=orjson.dumps(body),
            authorization=f"Bearer {token}",
        )


def _outcome(result: PostResult) -> NoticeOutcome:
    match result:
        case Answered(status=status):
            return _outcome_of(status)
        case Forbidden(code=code):
            return Refused(f"sms_{code}")
        case Unanswered(code=code):
            return Deferred(f"sms_{code}", is_unavailable=True)
        case _:
            assert_never(result)


def _outcome_of(status: int) -> NoticeOutcome:
    if 200 <= status < 300:
        return Sent()
    if status in _KEY_REFUSED:
        # Tried again: people put a key right, and nobody else hears of the notice by this.
        return Deferred("sms_key_refused", is_unavailable=True)
    if status in _LATER or status >= 500:
        return Deferred(f"sms_http_{status}", is_unavailable=status >= 500)
    return Refused(f"sms_http_{status}")


def _template_fault(body: bytes, sample: str) -> str:
    try:
        shown = orjson.loads(body)
        kind, text = shown["type"], shown["body"]
    except (ValueError, LookupError, TypeError):
        return "the address answers, but not as Notify does"
    if kind != "sms":
        return "the template is not one for text messages"
    return "" if text == sample else f"the template must be (({FIELD})) and nothing else"
