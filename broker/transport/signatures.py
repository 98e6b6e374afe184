"""Proof of origin in the agencies' queues: compact JWS (RFC 7515) with Ed25519 (RFC 9864).

The broker signs each copy with its own private key. An agency signs its receipts with its own;
the ledger holds the public half, with which nothing can be signed. ``docs/queue-wire.md``
describes the form.

The old form of receipts is an HMAC whose key is the SHA-256 of a credential's secret. The ledger
holds that digest, so that a reader of the ledger can forge such a receipt: it is accepted only
where a setting says so.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey

from broker.domain.ids import CredentialId, OrganisationCode
from broker.errors import Denied, Invalid

ALGORITHM: Final = "Ed25519"
COPY_TYPE = "referral-copy+jws"
RECEIPTS_TYPE = "referral-receipts+jws"
RECEIPTS_AUDIENCE = "referral-broker"
KEY_HEADER = "X-Broker-Key"
TIME_HEADER = "X-Broker-Time"
SIGNATURE_HEADER = "X-Broker-Signature"
LONGEST_MESSAGE_ID = 64
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
NO_KEY = "A key is Ed25519, in PEM: `broker keys agency-key new` makes one."

SecretOf = Callable[[CredentialId], bytes | None]
"""Gives the SHA-256 of a credential's secret, or None when it may not be used (now)."""


class _Registry(jws.JWSRegistry):
    """Ed25519 alone, for content as large as a referral may be."""

    max_header_length = 1024
    max_payload_length = 8 * 1024 * 1024


_REGISTRY = _Registry(algorithms=[ALGORITHM], strict_check_header=False)


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A public Ed25519 key: its id, and its 32 bytes."""

    id: str
    """The thumbprint of the key (RFC 7638)."""
    raw: bytes

    @classmethod
    def from_pem(cls, text: str) -> PublicKey:
        """Read the public half from PEM of either half. Raises Invalid."""
        return _public(_imported(text))

    @property
    def jwk(self) -> Mapping[str, str]:
        """The key as a JWK for JWS (RFC 8037)."""
        return {
            "kty": "OKP",
            "crv": ALGORITHM,
            "x": base64.urlsafe_b64encode(self.raw).rstrip(b"=").decode(),
            "kid": self.id,
            "use": "sig",
            "alg": ALGORITHM,
        }


class CopySigner:
    """Signs copies with the broker's private key, from PEM. Raises Invalid for anything else."""

    def __init__(self, pem: str) -> None:
        self._key = _imported(pem)
        if not self._key.is_private:
            raise Invalid("Copies are signed with a private key, and this is a public one.")
        self.public = _public(self._key)

    def sign(
        self, body: bytes, *, agency: OrganisationCode, delivery: str, version: int, now: datetime
    ) -> bytes:
        """Return a copy as it goes into the queue: for one agency, delivery and version."""
        header = {
            "alg": ALGORITHM,
            "kid": self.public.id,
            "typ": COPY_TYPE,
            "aud": str(agency),
            "iat": int(now.timestamp()),
            "delivery": delivery,
            "version": version,
        }
        return jws.serialize_compact(header, body, self._key, registry=_REGISTRY).encode()


@dataclass(frozen=True, slots=True)
class VerifiedReceipts:
    """A message of receipts whose signature is that of the named key."""

    key: str
    agency: OrganisationCode
    """The agency that the message names; its key must be that agency's."""
    signed_at: datetime
    id: str
    """Names the message, so that it is taken once."""
    body: bytes = field(repr=False)


def new_private_key() -> str:
    """Return a new private Ed25519 key in PEM (PKCS 8)."""
    return OKPKey.generate_key(ALGORITHM).as_pem(private=True).decode()


def public_pem(text: str) -> str:
    """Return the public half of a key in PEM. Raises Invalid."""
    return _imported(text).as_pem(private=False).decode()


def is_signed(body: bytes) -> bool:
    """Tell whether a message has the form of a JWS, as against the old form."""
    return body.count(b".") == 2 and not body.lstrip().startswith(b"{")


def verify_receipts(body: bytes, *, key_of: Callable[[str], bytes | None]) -> VerifiedReceipts:
    """Return the receipts of a message that a registered key signed; otherwise raise Denied.

    ``key_of`` gives the 32 bytes of a public key by its id, or None when it may not be used.
    """
    try:
        parsed = jws.extract_compact(body, registry=_REGISTRY)
        header = parsed.headers()
        raw = key_of(header["kid"]) if _names_a_key(header) else None
        if raw is None or not jws.validate_compact(parsed, _key(raw), registry=_REGISTRY):
            raise Denied("The signature of this message is not that of a key in use.")
    except (JoseError, ValueError):
        raise Denied("This message is not signed as receipts are.") from None
    return _stated(header, parsed.payload)


def _names_a_key(header: Mapping[str, Any]) -> bool:
    """Tell whether a header has a key id of the right form, and asks for no extension."""
    key = header.get("kid")
    return isinstance(key, str) and bool(_THUMBPRINT.fullmatch(key)) and "crit" not in header


def _stated(header: Mapping[str, Any], body: bytes) -> VerifiedReceipts:
    agency, message, signed_at = (header.get(name) for name in ("iss", "jti", "iat"))
    if (header.get("typ"), header.get("aud")) != (RECEIPTS_TYPE, RECEIPTS_AUDIENCE):
        raise Denied("This message was signed for something else.")
    if not isinstance(agency, str) or not isinstance(message, str) or type(signed_at) is not int:
        raise Denied("This message does not say who signed it and when.")
    if not 0 < len(message) <= LONGEST_MESSAGE_ID or not message.isprintable():
        raise Denied("The id of this message has no usable form.")
    try:
        at = datetime.fromtimestamp(signed_at, UTC)
    except (OverflowError, ValueError, OSError):
        raise Denied("The time of this message is none.") from None
    return VerifiedReceipts(header["kid"], OrganisationCode(agency), at, message, body)


def old_signer(
    headers: Mapping[str, Any], body: bytes, *, secret_of: SecretOf
) -> tuple[CredentialId, datetime]:
    """Return the credential that signed a body in the old form, and when.

    ``X-Broker-Signature`` is the hex HMAC-SHA256 of ``X-Broker-Time``, a line feed and the body.
    Raises ``Denied`` when no usable credential signed it.
    """
    key, sent_at, signed = (_text(headers, name) for name in _HEADERS)
    credential = CredentialId(key)
    secret = secret_of(credential)
    if secret is None or not hmac.compare_digest(signed.encode(), signature(secret, sent_at, body)):
        raise Denied("The signature of this message is not that of a key in use.")
    try:
        at = datetime.fromisoformat(sent_at)
    except ValueError:
        raise Denied("The time of this message is none.") from None
    return credential, at if at.tzinfo else at.replace(tzinfo=UTC)


def signature(key: bytes, sent_at: str, body: bytes) -> bytes:
    """Return the hex signature of a body in the old form."""
    return hmac.new(key, sent_at.encode() + b"\n" + body, hashlib.sha256).hexdigest().encode()


_HEADERS = (KEY_HEADER, TIME_HEADER, SIGNATURE_HEADER)


def _text(headers: Mapping[str, Any], name: str) -> str:
    value = headers.get(name)
    if not isinstance(value, str) or not value.isascii():
        raise Denied(f"The message has no usable header {name}.")
    return value


def _imported(pem: str) -> OKPKey:
    try:
        key = OKPKey.import_key(pem)
    except (JoseError, ValueError, TypeError, AttributeError):
        raise Invalid(NO_KEY) from None
    if key.curve_name != ALGORITHM:
        raise Invalid(NO_KEY)
    return key


def _public(key: OKPKey) -> PublicKey:
    text = key.as_dict(private=False)["x"]
    return PublicKey(key.thumbprint(), base64.urlsafe_b64decode(f"{text}=="))


def _key(raw: bytes) -> OKPKey:
    return OKPKey.import_key(dict(PublicKey("", raw).jwk))
