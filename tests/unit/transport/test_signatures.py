"""Who signed what: copies for one agency, receipts of one agency, and the old form."""

import hashlib
import json
from datetime import UTC, datetime

import pytest
from joserfc import jws
from joserfc.jwk import OctKey, OKPKey
from referral_broker_client.queue_signatures import (
    AgencyKey,
    PinnedKeys,
    Untrusted,
    open_copy,
)

from broker.domain.ids import CredentialId, OrganisationCode
from broker.errors import Denied, Invalid
from broker.transport.signatures import (
    KEY_HEADER,
    SIGNATURE_HEADER,
    TIME_HEADER,
    CopySigner,
    PublicKey,
    new_private_key,
    old_signer,
    public_pem,
    signature,
    verify_receipts,
)

NOW = datetime.now(UTC)
STOKE = OrganisationCode("stoke-csc")
SIGNER = CopySigner(new_private_key())
KEYS = PinnedKeys({"keys": [dict(SIGNER.public.jwk)]})
DELIVERY = {"delivery": "d1", "version": 2, "agency": "stoke-csc", "content": {"a": "é"}}
PEM = new_private_key()
PUBLIC = PublicKey.from_pem(PEM)
BODY = b'{"receipts": []}'
SENT_AT = NOW.isoformat()
SECRET = hashlib.sha256(b"secret").digest()
HEADERS = {
    KEY_HEADER: "k1",
    TIME_HEADER: SENT_AT,
    SIGNATURE_HEADER: signature(SECRET, SENT_AT, BODY).decode(),
}


def copy(value: object = DELIVERY, *, now: datetime = NOW, signer: CopySigner = SIGNER) -> bytes:
    """Sign a delivery for the agency, delivery and version that the broker would name."""
    body = json.dumps(value).encode()
    return signer.sign(body, agency=STOKE, delivery="d1", version=2, now=now)


def test_a_copy_is_opened_by_its_agency_and_holds_what_was_signed() -> None:
    assert open_copy(copy(), agency="stoke-csc", keys=KEYS) == DELIVERY
    assert open_copy(copy().decode(), agency="stoke-csc", keys=KEYS) == DELIVERY


def test_a_copy_as_large_as_a_referral_may_be_is_opened() -> None:
    large = {**DELIVERY, "content": {"summary": "x" * 2_000_000}}
    assert open_copy(copy(large), agency="stoke-csc", keys=KEYS) == large


def hmac_with_the_public_key() -> bytes:
    """The old confusion: a symmetric signature whose key is the public one."""
    header = {"alg": "HS256", "kid": SIGNER.public.id}
    key = OctKey.import_key(SIGNER.public.raw)
    return jws.serialize_compact(header, json.dumps(DELIVERY), key, algorithms=["HS256"]).encode()


@pytest.mark.parametrize(
    "forged",
    [
        json.dumps(DELIVERY).encode(),
        copy(signer=CopySigner(new_private_key())),
        copy()[:-8] + b"AAAAAAAA",
        copy({**DELIVERY, "agency": "shropshire-csc"}),
        copy({**DELIVERY, "delivery": "d2"}),
        copy({**DELIVERY, "version": 1}),
        copy([]),
        copy(now=datetime(2020, 1, 1, tzinfo=UTC)),
        AgencyKey(PEM).sign("stoke-csc", json.dumps(DELIVERY).encode()).encode(),
        hmac_with_the_public_key(),
        b"",
        b"..",
        b"eyJhbGciOiJub25lIn0.e30.",
        b"\xff\xfe",
    ],
)
def test_what_the_broker_did_not_sign_for_this_delivery_is_not_opened(forged: bytes) -> None:
    with pytest.raises(Untrusted):
        open_copy(forged, agency="stoke-csc", keys=KEYS)


def test_a_copy_for_one_agency_is_not_opened_by_another() -> None:
    with pytest.raises(Untrusted):
        open_copy(copy(), agency="shropshire-csc", keys=KEYS)


def key_of(id_: str) -> bytes | None:
    return PUBLIC.raw if id_ == PUBLIC.id else None


def test_what_the_sdk_signs_is_verified() -> None:
    verified = verify_receipts(AgencyKey(PEM).sign("stoke-csc", BODY).encode(), key_of=key_of)
    assert (verified.key, verified.agency, verified.body) == (PUBLIC.id, STOKE, BODY)
    assert abs((verified.signed_at - datetime.now(UTC)).total_seconds()) < 60


def receipts(**changed: object) -> bytes:
    """Sign receipts under a header that is changed."""
    header = {
        "alg": "Ed25519",
        "kid": PUBLIC.id,
        "typ": "referral-receipts+jws",
        "iss": "stoke-csc",
        "aud": "referral-broker",
        "iat": 1_800_000_000,
        "jti": "m1",
        **changed,
    }
    key = OKPKey.import_key(PEM)
    registry = jws.JWSRegistry(algorithms=["Ed25519"], strict_check_header=False)
    return jws.serialize_compact(header, BODY, key, registry=registry).encode()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("kid", "other"),
        ("typ", "referral-copy+jws"),
        ("aud", "elsewhere"),
        ("iss", None),
        ("iat", "now"),
        ("iat", True),
        ("iat", 10**18),
        ("jti", ""),
        ("jti", "x" * 65),
        ("jti", "\x00"),
    ],
)
def test_receipts_under_another_header_are_denied(name: str, value: object) -> None:
    assert verify_receipts(receipts(), key_of=key_of).id == "m1"
    with pytest.raises(Denied):
        verify_receipts(receipts(**{name: value}), key_of=key_of)


def test_the_hash_of_a_credential_and_the_public_key_sign_no_receipt() -> None:
    for secret in (SECRET, PUBLIC.raw):
        header = {"alg": "HS256", "kid": PUBLIC.id}
        key = OctKey.import_key(secret)
        forged = jws.serialize_compact(header, BODY, key, algorithms=["HS256"]).encode()
        with pytest.raises(Denied):
            verify_receipts(forged, key_of=key_of)


def test_a_public_key_signs_no_copy_and_another_kind_of_key_is_none() -> None:
    with pytest.raises(Invalid):
        CopySigner(public_pem(PEM))
    for text in ("", "none", OKPKey.generate_key("X25519").as_pem(private=True).decode()):
        with pytest.raises(Invalid):
            PublicKey.from_pem(text)
    assert PublicKey.from_pem(public_pem(PEM)) == PUBLIC


def secret_of(credential: CredentialId) -> bytes | None:
    return SECRET if credential == "k1" else None


def test_the_old_form_names_its_credential_and_time() -> None:
    assert old_signer(HEADERS, BODY, secret_of=secret_of) == ("k1", NOW)


def test_another_body_is_denied() -> None:
    with pytest.raises(Denied):
        old_signer(HEADERS, BODY + b" ", secret_of=secret_of)


@pytest.mark.parametrize("name", [TIME_HEADER, SIGNATURE_HEADER, KEY_HEADER])
@pytest.mark.parametrize("value", [None, 7, "", "other", "é", ["x"]])
def test_a_header_that_is_missing_or_changed_is_denied(name: str, value: object) -> None:
    with pytest.raises(Denied):
        old_signer({**HEADERS, name: value}, BODY, secret_of=secret_of)
