"""Proof of origin in queues: the broker signs each copy, an agency signs its receipts.

Both are compact JWS (RFC 7515) with Ed25519 (RFC 9864). Where the agency has registered a key for
it, the signed copy is encrypted to that key (JWE, RFC 7516). Needs the extra ``queue`` (joserfc).
``docs/queue-wire.md`` describes the form.
"""

from __future__ import annotations

import json
import logging
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

import urllib3
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OKPKey

from referral_broker_client.errors import Invalid, Unavailable

log = logging.getLogger("referral_broker_client")

ALGORITHM = "Ed25519"
COPY_TYPE = "referral-copy+jws"
RECEIPTS_TYPE = "referral-receipts+jws"
RECEIPTS_AUDIENCE = "referral-broker"
KEY_MANAGEMENT, CONTENT_ENCRYPTION = "ECDH-ES+A256KW", "A256GCM"
ENCRYPTED_TYPE = "referral-copy+jwe"
DOTS_OF_JWE = 4
CURVES = frozenset({"X25519", "P-256"})
NO_DECRYPTION_KEY = "A key that reads copies is an X25519 or P-256 private key in PEM."
LONGEST_COPY_AGE_SECONDS = 7 * 86_400
"""The broker signs a copy anew each time it is sent, every four hours at least."""
REFETCH_SECONDS = 30.0
"""How long to wait at least before the broker's keys are fetched again for an unknown key."""
FETCH_SECONDS = 10.0
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
OK = 200
UNREADABLE = (JoseError, ValueError, TypeError, LookupError, AttributeError, RecursionError)
"""What parsing raises for bytes that anybody may have put into the queue: joserfc lets out what its
own parts raise, such as a KeyError for a curve that it does not know."""


class Untrusted(ValueError):
    """A message that the broker did not sign for this agency; its text holds nothing of it."""


class _Registry(jws.JWSRegistry):
    """Ed25519 alone, for content as large as a referral may be."""

    max_header_length = 1024
    max_payload_length = 8 * 1024 * 1024


_REGISTRY = _Registry(algorithms=[ALGORITHM], strict_check_header=False)


class _EncryptionRegistry(jwe.JWERegistry):
    """One pair of algorithms, for content as large as a referral may be."""

    max_protected_header_length = 2048
    max_ciphertext_length = 12 * 1024 * 1024


_ENCRYPTION_REGISTRY = _EncryptionRegistry(algorithms=[KEY_MANAGEMENT, CONTENT_ENCRYPTION])


class BrokerKeys(Protocol):
    """Gives the broker's public keys by their ids."""

    def key(self, id_: str) -> OKPKey | None:
        """Return a key; None for one that the broker does not use. Raises Unavailable."""


class PinnedKeys:
    """The broker's public keys from a JWKS that was handed over beforehand (RFC 7517).

    Raises Invalid when it is not a set of public Ed25519 keys.
    """

    def __init__(self, key_set: Mapping[str, Any]) -> None:
        self._keys = _keys_of(key_set)

    def key(self, id_: str) -> OKPKey | None:
        """Return a key of the set."""
        return self._keys.get(id_)


class FetchedKeys:
    """The broker's public keys from ``GET /v1/keys``, fetched again when a copy names a new one.

    The address must be https, or of this machine: otherwise Invalid is raised.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
            raise Invalid("The broker's keys are fetched over https:// alone; pin them otherwise.")
        self._url = f"{url.rstrip('/')}/v1/keys"
        self._pool = urllib3.PoolManager(
            num_pools=1, retries=urllib3.Retry(2, redirect=0), timeout=FETCH_SECONDS
        )
        self._keys: Mapping[str, OKPKey] = {}
        self._fetched_at: float | None = None

    def key(self, id_: str) -> OKPKey | None:
        """Return a key, asking the gateway for one that is not known. Raises Unavailable."""
        if id_ not in self._keys and self._is_due():
            self._keys = self._fetch()
            self._fetched_at = time.monotonic()
        return self._keys.get(id_)

    def _is_due(self) -> bool:
        return self._fetched_at is None or time.monotonic() - self._fetched_at > REFETCH_SECONDS

    def _fetch(self) -> Mapping[str, OKPKey]:
        try:
            response = self._pool.request("GET", self._url)
            if response.status == OK:
                return _keys_of(response.json())
        except (urllib3.exceptions.HTTPError, ValueError, Invalid):
            pass
        raise Unavailable("The broker's public keys cannot be fetched.")


class AgencyKey:
    """An agency's private Ed25519 key, which signs its receipts and never leaves the agency.

    Takes PEM (PKCS 8). Raises Invalid when the text is not such a key.
    """

    def __init__(self, pem: str) -> None:
        try:
            key = OKPKey.import_key(pem)
        except (JoseError, ValueError, TypeError):
            raise Invalid("An agency's key is an Ed25519 private key in PEM.") from None
        if not key.is_private or key.curve_name != ALGORITHM:
            raise Invalid("An agency's key is an Ed25519 private key in PEM.")
        self._key = key
        self.id = key.thumbprint()
        """Its id at the broker: the thumbprint of the public half (RFC 7638)."""

    def __repr__(self) -> str:
        return f"AgencyKey({self.id!r})"

    def sign(self, agency: str, receipts: bytes) -> str:
        """Return the signed form of a body of receipts, as it goes into the queue."""
        header = {
            "alg": ALGORITHM,
            "kid": self.id,
            "typ": RECEIPTS_TYPE,
            "iss": agency,
            "aud": RECEIPTS_AUDIENCE,
            "iat": int(time.time()),
            "jti": str(uuid.uuid4()),
        }
        return jws.serialize_compact(header, receipts, self._key, registry=_REGISTRY)


class DecryptionKey:
    """An agency's private X25519 or P-256 key, which reads the copies that are encrypted to it.

    Takes PEM (PKCS 8). Raises Invalid when the text is not such a key.
    """

    def __init__(self, pem: str) -> None:
        self.private = _private_encryption_key(pem)
        self.id = self.private.thumbprint()
        """Its id at the broker: the thumbprint of the public half (RFC 7638)."""

    def __repr__(self) -> str:
        return f"DecryptionKey({self.id!r})"


@dataclass(frozen=True, slots=True)
class QueueKeys:
    """What an agency on a queue needs: it proves itself, and believes the broker alone."""

    own: AgencyKey
    broker: BrokerKeys
    """``FetchedKeys(url)`` or ``PinnedKeys(key_set)``."""
    decryption: Sequence[DecryptionKey] = ()
    """Those that copies may be encrypted to: the new and, while it is replaced, the old one."""


def open_copy(
    copy: bytes | str,
    *,
    agency: str,
    keys: BrokerKeys,
    decryption: Sequence[DecryptionKey] = (),
) -> Mapping[str, Any]:
    """Return the delivery in a copy, after it is decrypted and its signature is verified.

    Raises Untrusted when the broker did not sign it for this agency, none of the agency's keys
    reads it, or it is too old; and Unavailable when the broker's keys cannot be fetched.
    """
    try:
        raw = copy.encode() if isinstance(copy, str) else copy
        signed = _decrypted(raw, decryption) if raw.count(b".") == DOTS_OF_JWE else raw
        header, payload = _verified(signed, keys)
    except Untrusted:
        raise
    except UNREADABLE:
        raise Untrusted("not signed by the broker") from None
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        raise Untrusted("no copy of a delivery") from None
    if not isinstance(value, dict) or header.get("typ") != COPY_TYPE:
        raise Untrusted("no copy of a delivery")
    stated = [value.get("agency"), value.get("delivery"), value.get("version", 1)]
    if stated != [header.get(name) for name in ("aud", "delivery", "version")]:
        raise Untrusted("signed for something else")
    if value["agency"] != agency:
        raise Untrusted("another agency's")
    signed_at = header.get("iat")
    if not isinstance(signed_at, int) or time.time() - signed_at > LONGEST_COPY_AGE_SECONDS:
        raise Untrusted("too old")
    return value


def _decrypted(copy: bytes, keys: Sequence[DecryptionKey]) -> bytes:
    """Return the signed copy in an encrypted one, with the key that its header names."""

    def key_of(recipient: Any) -> OKPKey | ECKey:
        header = recipient.headers()
        if (header.get("typ"), header.get("cty")) != (ENCRYPTED_TYPE, COPY_TYPE):
            raise Untrusted("encrypted for something else")
        for key in keys:
            if key.id == header.get("kid"):
                return key.private
        raise Untrusted("encrypted to a key that is not here")

    try:
        opened = jwe.decrypt_compact(copy, key_of, registry=_ENCRYPTION_REGISTRY)
    except Untrusted:
        raise
    except UNREADABLE:
        raise Untrusted("not encrypted to this agency") from None
    return opened.plaintext or b""


def _private_encryption_key(pem: str) -> OKPKey | ECKey:
    for kind in (OKPKey, ECKey):
        try:
            key = kind.import_key(pem)
        except (JoseError, ValueError, TypeError, AttributeError):
            continue
        if key.is_private and key.curve_name in CURVES:
            return key
    raise Invalid(NO_DECRYPTION_KEY)


def _verified(signed: bytes, keys: BrokerKeys) -> tuple[Mapping[str, Any], bytes]:
    parsed = jws.extract_compact(signed, registry=_REGISTRY)
    header = dict(parsed.headers())
    key = keys.key(header["kid"]) if isinstance(header.get("kid"), str) else None
    if "crit" in header or key is None or not jws.validate_compact(parsed, key, registry=_REGISTRY):
        raise Untrusted("not signed by a key of the broker")
    return header, parsed.payload


def _keys_of(key_set: Any) -> Mapping[str, OKPKey]:
    try:
        keys = KeySet.import_key_set(key_set).keys
    except (JoseError, ValueError, TypeError, KeyError, AttributeError):
        raise Invalid("This is no set of public keys (JWKS).") from None
    return {
        key.thumbprint(): key
        for key in keys
        if isinstance(key, OKPKey) and key.curve_name == ALGORITHM
    }
