"""Copies that are encrypted to their agency: who can read them, and what is believed then."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from joserfc import jwe
from joserfc.jwk import ECKey, OctKey, OKPKey
from referral_broker_client import Invalid as SdkInvalid
from referral_broker_client.queue_signatures import (
    DecryptionKey,
    PinnedKeys,
    Untrusted,
    open_copy,
)

from broker.domain.ids import OrganisationCode
from broker.errors import Invalid
from broker.transport.encryption import EncryptionKey, is_encryption_key, new_encryption_key
from broker.transport.signatures import CopySigner, new_private_key

SIGNER = CopySigner(new_private_key())
BROKER = PinnedKeys({"keys": [dict(SIGNER.public.jwk)]})
DELIVERY = {"delivery": "d1", "version": 2, "agency": "stoke-csc", "content": {"a": "é"}}
PEM = new_encryption_key()
P_256 = ECKey.generate_key("P-256").as_pem(private=True).decode()
P_384 = ECKey.generate_key("P-384").as_pem(private=True).decode()
OLD, NEW = DecryptionKey(new_encryption_key()), DecryptionKey(PEM)
HEADER = {
    "alg": "ECDH-ES+A256KW",
    "enc": "A256GCM",
    "kid": NEW.id,
    "typ": "referral-copy+jwe",
    "cty": "referral-copy+jws",
}


def signed(value: object = DELIVERY, *, signer: CopySigner = SIGNER) -> bytes:
    """Sign a delivery for stoke-csc."""
    stoke = OrganisationCode("stoke-csc")
    body = json.dumps(value).encode()
    return signer.sign(body, agency=stoke, delivery="d1", version=2, now=datetime.now(UTC))


def encrypted(content: bytes, pem: str = PEM) -> bytes:
    return EncryptionKey.from_pem(pem).encrypt(content)


def sealed(content: bytes, *, key: Any = None, **changed: str) -> bytes:
    """Encrypt under a header that is changed."""
    header = {**HEADER, **changed}
    algorithms = [*{header["alg"], header["enc"], "DEF"}]
    recipient = key or OKPKey.import_key(PEM)
    return jwe.encrypt_compact(header, content, recipient, algorithms=algorithms).encode()


@pytest.mark.parametrize("pem", [PEM, P_256], ids=["X25519", "P-256"])
def test_an_encrypted_copy_is_read_by_its_agency_alone(pem: str) -> None:
    copy = encrypted(signed(), pem)
    own = [DecryptionKey(pem)]
    assert open_copy(copy, agency="stoke-csc", keys=BROKER, decryption=own) == DELIVERY
    assert open_copy(copy.decode(), agency="stoke-csc", keys=BROKER, decryption=own) == DELIVERY
    for others in ([], [OLD]):
        with pytest.raises(Untrusted):
            open_copy(copy, agency="stoke-csc", keys=BROKER, decryption=others)


def test_nothing_of_a_copy_is_seen_from_outside() -> None:
    parts = encrypted(signed()).split(b".")
    header = json.loads(base64.urlsafe_b64decode(parts[0] + b"=="))
    assert set(header) == {"alg", "enc", "kid", "typ", "cty", "epk"}
    shown = b"".join(base64.urlsafe_b64decode(part + b"==") for part in parts)
    for secret in (b"stoke-csc", b'd1"', b"content"):
        assert secret not in shown


def test_either_of_two_keys_is_used_while_the_old_one_is_replaced() -> None:
    keys = [NEW, OLD]
    old_pem = OLD.private.as_pem(private=True).decode()
    for pem in (PEM, old_pem):
        copy = encrypted(signed(), pem)
        assert open_copy(copy, agency="stoke-csc", keys=BROKER, decryption=keys) == DELIVERY


def test_a_copy_as_large_as_a_referral_may_be_is_read() -> None:
    large = {**DELIVERY, "content": {"summary": "x" * 2_000_000}}
    copy = encrypted(signed(large))
    assert open_copy(copy, agency="stoke-csc", keys=BROKER, decryption=[NEW]) == large


@pytest.mark.parametrize(
    "forged",
    [
        encrypted(json.dumps(DELIVERY).encode()),
        encrypted(signed(signer=CopySigner(new_private_key()))),
        encrypted(signed({**DELIVERY, "delivery": "d2"})),
        encrypted(encrypted(signed())),
        encrypted(signed())[:-4] + b"AAAA",
        sealed(signed(), kid="another"),
        sealed(signed(), typ="JWE"),
        sealed(signed(), cty="referral-receipts+jws"),
        sealed(signed(), zip="DEF"),
        sealed(signed(), alg="ECDH-ES"),
        sealed(signed(), enc="A128CBC-HS256"),
        sealed(signed(), alg="dir", key=OctKey.import_key(b"k" * 32)),
        b"....",
        b"eyJhbGciOiJub25lIn0....",
        b"e30....",
        b"bnVsbA....",
        b"W10.a.a.a.a",
    ],
)
def test_what_is_encrypted_is_believed_only_with_the_brokers_signature(forged: bytes) -> None:
    with pytest.raises(Untrusted):
        open_copy(forged, agency="stoke-csc", keys=BROKER, decryption=[NEW])


def test_a_copy_that_is_encrypted_again_for_another_agency_is_not_opened() -> None:
    other = new_encryption_key()
    copy = encrypted(signed(), other)
    with pytest.raises(Untrusted):
        open_copy(copy, agency="shropshire-csc", keys=BROKER, decryption=[DecryptionKey(other)])


@pytest.mark.parametrize("pem", ["", "none", new_private_key(), P_384])
def test_another_kind_of_key_is_none(pem: str) -> None:
    assert not is_encryption_key(pem)
    with pytest.raises(Invalid):
        EncryptionKey.from_pem(pem)
    with pytest.raises(SdkInvalid):
        DecryptionKey(pem)


def test_the_public_half_is_all_that_the_broker_keeps() -> None:
    key = EncryptionKey.from_pem(PEM)
    assert "PRIVATE" not in key.pem
    assert EncryptionKey.from_pem(key.pem) == key
    assert key.id == NEW.id
    with pytest.raises(SdkInvalid):
        DecryptionKey(key.pem)
    assert PEM.splitlines()[1] not in repr(NEW)
