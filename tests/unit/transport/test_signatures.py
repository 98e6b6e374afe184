"""Whose receipts these are."""

import hashlib

import pytest
from referral_broker_client.queue_consumer import Signer

from broker.domain.ids import CredentialId
from broker.errors import Denied
from broker.transport.signatures import SIGNATURE_HEADER, TIME_HEADER, signer

BODY = b'{"receipts": []}'
HEADERS = Signer("rb_k1_secret").headers(BODY)


def secret_of(credential: CredentialId) -> bytes | None:
    return hashlib.sha256(b"secret").digest() if credential == "k1" else None


def test_what_the_sdk_signs_is_known() -> None:
    assert signer(HEADERS, BODY, secret_of=secret_of) == "k1"


def test_another_body_is_denied() -> None:
    with pytest.raises(Denied):
        signer(HEADERS, BODY + b" ", secret_of=secret_of)


@pytest.mark.parametrize("name", [TIME_HEADER, SIGNATURE_HEADER, "X-Broker-Key"])
@pytest.mark.parametrize("value", [None, 7, "", "other", "é", ["x"]])
def test_a_header_that_is_missing_or_changed_is_denied(name: str, value: object) -> None:
    with pytest.raises(Denied):
        signer({**HEADERS, name: value}, BODY, secret_of=secret_of)
