"""Notices by HTTP POST, signed, to addresses from the directory alone.

``Webhook-Id``, ``Webhook-Timestamp`` and ``Webhook-Signature`` follow the Standard Webhooks
specification: the signature is ``v1,`` and the base64 of HMAC-SHA256 over ``id.timestamp.body``.
The receiver refuses old timestamps and ids that it has seen. Redirects are not followed, and
where a name leads is checked on the open connection, so that no answer of a name server can turn
a notice against our own network.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import http.client
import ipaddress
import ssl
from urllib.parse import urlsplit

import orjson

from broker.domain.ids import Clock
from broker.notices import Message, Never, NotNow, Result, Told

SECONDS = 10.0
_LATER = frozenset({408, 425, 429})


class Webhook:
    """Posts to webhooks; ``key`` is shared with the receivers, per broker."""

    def __init__(self, key: bytes, *, clock: Clock, allow_private: bool = False) -> None:
        self._key = key
        self._clock = clock
        self._allow_private = allow_private

    def tell(self, address: str, message: Message) -> Result:
        """Post one notice."""
        parts = urlsplit(address)
        if parts.scheme != "https" and not self._allow_private:
            return Never("not_encrypted")
        body = orjson.dumps(message.data)
        connection = self._connection(parts.scheme, parts.hostname or "", parts.port)
        try:
            connection.connect()
            if not self._may_reach(connection):
                return Never("private_address")
            connection.request("POST", parts.path or "/", body, self._headers(message.id, body))
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return NotNow("webhook_away")
        finally:
            connection.close()
        return _judged(status)

    def _connection(self, scheme: str, host: str, port: int | None) -> http.client.HTTPConnection:
        if scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(host, port, timeout=SECONDS, context=context)
        return http.client.HTTPConnection(host, port, timeout=SECONDS)

    def _may_reach(self, connection: http.client.HTTPConnection) -> bool:
        if self._allow_private:
            return True
        peer = ipaddress.ip_address(connection.sock.getpeername()[0].partition("%")[0])
        mapped = getattr(peer, "ipv4_mapped", None)
        return (mapped or peer).is_global

    def _headers(self, id_: str, body: bytes) -> dict[str, str]:
        at = str(int(self._clock().timestamp()))
        return {
            "Content-Type": "application/json",
            "User-Agent": "referral-broker",
            "Webhook-Id": id_,
            "Webhook-Timestamp": at,
            "Webhook-Signature": signature(self._key, id_, at, body),
        }


def signature(key: bytes, id_: str, at: str, body: bytes) -> str:
    """Return the signature of a notice, as its receiver checks it."""
    signed = f"{id_}.{at}.".encode() + body
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"


def _judged(status: int) -> Result:
    if 200 <= status < 300:
        return Told()
    if status in _LATER or status >= 500:
        return NotNow(f"http_{status}")
    return Never(f"http_{status}")
