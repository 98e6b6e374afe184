"""Notices by HTTP POST, signed, to addresses from the directory alone."""

from __future__ import annotations

from typing import assert_never

import orjson

from broker.notices.base import Deferred, Message, NoticeOutcome, Refused, Sent
from broker.transport.http import Answered, Forbidden, SafePost, Unanswered

_LATER = frozenset({408, 425, 429})


class Webhook:
    """Posts to webhooks; the key of ``sender`` is shared with the receivers, per broker."""

    def __init__(self, sender: SafePost) -> None:
        self._sender = sender

    def send(self, address: str, message: Message) -> NoticeOutcome:
        """Post one notice."""
        result = self._sender.post(address, id_=message.id, body=orjson.dumps(message.data))
        match result:
            case Answered(status=status):
                return _outcome(status)
            case Forbidden(code=code):
                return Refused(code)
            case Unanswered(code=code):
                return Deferred(f"webhook_{code}", is_unavailable=True)
            case _:
                assert_never(result)


def _outcome(status: int) -> NoticeOutcome:
    if 200 <= status < 300:
        return Sent()
    if status in _LATER or status >= 500:
        return Deferred(f"http_{status}")
    return Refused(f"http_{status}")
