"""Copies that their agency alone can read: compact JWE (RFC 7516) around the broker's signature.

A copy is signed first and encrypted then, so that nobody but the agency sees who signed what, and
the signature names the agency, which cannot pass the copy on as one for another agency.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey

from broker.errors import Invalid
from broker.transport.signatures import COPY_TYPE

KEY_MANAGEMENT: Final = "ECDH-ES+A256KW"
CONTENT_ENCRYPTION: Final = "A256GCM"
ENCRYPTED_TYPE = "referral-copy+jwe"
CURVES = frozenset({"X25519", "P-256"})
NO_KEY = "A key that copies are encrypted to is X25519 or P-256, in PEM."


class _Registry(jwe.JWERegistry):
    """One pair of algorithms, for content as large as a referral may be."""

    max_protected_header_length = 2048
    max_ciphertext_length = 12 * 1024 * 1024


_REGISTRY = _Registry(algorithms=[KEY_MANAGEMENT, CONTENT_ENCRYPTION])


@dataclass(frozen=True, slots=True)
class EncryptionKey:
    """An agency's public key that copies are encrypted to."""

    id: str
    """The thumbprint of the key (RFC 7638)."""
    pem: str

    @classmethod
    def from_pem(cls, text: str) -> EncryptionKey:
        """Read the public half from PEM of either half. Raises Invalid."""
        key = _imported(text)
        return cls(key.thumbprint(), key.as_pem(private=False).decode())

    def encrypt(self, signed: bytes) -> bytes:
        """Return a signed copy as only the holder of the private half can read it."""
        header = {
            "alg": KEY_MANAGEMENT,
            "enc": CONTENT_ENCRYPTION,
            "kid": self.id,
            "typ": ENCRYPTED_TYPE,
            "cty": COPY_TYPE,
        }
        return jwe.encrypt_compact(header, signed, _imported(self.pem), registry=_REGISTRY).encode()


def new_encryption_key() -> str:
    """Return a new private X25519 key in PEM (PKCS 8)."""
    return OKPKey.generate_key("X25519").as_pem(private=True).decode()


def is_encryption_key(text: str) -> bool:
    """Tell whether PEM holds a key that copies can be encrypted to, as against one that signs."""
    try:
        _imported(text)
    except Invalid:
        return False
    return True


def _imported(pem: str) -> OKPKey | ECKey:
    for kind in (OKPKey, ECKey):
        try:
            key = kind.import_key(pem)
        except (JoseError, ValueError, TypeError, AttributeError):
            continue
        if key.curve_name in CURVES:
            return key
    raise Invalid(NO_KEY)
