"""Who signed a message of receipts: an HMAC, because a queue has no log-in of its own.

``X-Broker-Signature`` is the hex HMAC-SHA256 of ``X-Broker-Time``, a line feed and the body; the
key is the SHA-256 of the credential's secret, which is what the ledger keeps of it. A signature
does not age: an agency's answer is as good after an outage, and a receipt may be repeated.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any

from broker.domain.ids import CredentialId
from broker.errors import Denied

KEY_HEADER = "X-Broker-Key"
TIME_HEADER = "X-Broker-Time"
SIGNATURE_HEADER = "X-Broker-Signature"

SecretOf = Callable[[CredentialId], bytes | None]
"""Gives the SHA-256 of a credential's secret, or None when it may not be used (now)."""


def signer(headers: Mapping[str, Any], body: bytes, *, secret_of: SecretOf) -> CredentialId:
    """Return the credential that signed the body; raise ``Denied`` when none did."""
    key, sent_at, signed = (_text(headers, name) for name in _HEADERS)
    credential = CredentialId(key)
    secret = secret_of(credential)
    if secret is None or not hmac.compare_digest(signed.encode(), signature(secret, sent_at, body)):
        raise Denied("The signature of this message is not that of a key in use.")
    return credential


def signature(key: bytes, sent_at: str, body: bytes) -> bytes:
    """Return the hex signature of a body."""
    return hmac.new(key, sent_at.encode() + b"\n" + body, hashlib.sha256).hexdigest().encode()


_HEADERS = (KEY_HEADER, TIME_HEADER, SIGNATURE_HEADER)


def _text(headers: Mapping[str, Any], name: str) -> str:
    value = headers.get(name)
    if not isinstance(value, str) or not value.isascii():
        raise Denied(f"The message has no usable header {name}.")
    return value
