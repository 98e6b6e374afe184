"""Keys: known by their digest, and by nothing else."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest

from broker.admin.api_keys import Key
from broker.domain.credential import Credential
from broker.domain.ids import CredentialId, OrganisationCode
from broker.errors import Denied

NOW = datetime(2026, 12, 11, 10, 0, tzinfo=UTC)
SECRET = "s" * 40


def credential(**changes: object) -> Credential:
    facts: dict = {
        "id": CredentialId("abcdef01"),
        "organisation": OrganisationCode("stoke-csc"),
        "scopes": frozenset({"collect"}),
        "secret_sha256": sha256(SECRET.encode()).digest(),
        "label": "",
        "created_at": NOW,
        "expires_at": None,
        "revoked_at": None,
        "last_used_at": None,
    }
    return Credential(**{**facts, **changes})


def test_the_right_secret_opens_and_another_one_does_not() -> None:
    assert Key.parse(f"rb_abcdef01_{SECRET}").opens(credential(), NOW)
    assert not Key.parse(f"rb_abcdef01_{'t' * 40}").opens(credential(), NOW)


@pytest.mark.parametrize("ended", ["expires_at", "revoked_at"])
def test_a_key_that_has_ended_opens_nothing(ended: str) -> None:
    key = Key.parse(f"rb_abcdef01_{SECRET}")
    assert not key.opens(credential(**{ended: NOW}), NOW)
    assert key.opens(credential(**{ended: NOW + timedelta(seconds=1)}), NOW)


@pytest.mark.parametrize(
    "text", ["", "rb_", "rb_abcdef01_", "xx_abcdef01_" + SECRET, "rb_ABCDEF01_" + SECRET]
)
def test_a_text_of_another_form_is_denied(text: str) -> None:
    with pytest.raises(Denied):
        Key.parse(text)
