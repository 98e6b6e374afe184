"""Questions: the feed skips nothing, keys and policies are kept, refusals keep no body."""

import pytest

from broker.domain.credential import Credential
from broker.domain.ids import CredentialId, OrganisationCode
from broker.domain.referral import Refusal
from broker.errors import Invalid
from tests.integration.ledger.conftest import LEASE, NOW, POLICE, SHROPSHIRE, Book


def test_the_feed_goes_on_where_it_stopped_and_hides_how_agencies_are_reached(book: Book) -> None:
    book.routed_to(SHROPSHIRE)
    book.collect(SHROPSHIRE)
    seen, cursor = [], ""
    while True:
        events, cursor = book.ledger.queries.feed(POLICE, after=cursor, limit=2)
        if not events:
            break
        seen += [event.kind for event in events]
    assert seen == ["referral.accepted", "referral.routed", "delivery.available"]
    assert book.ledger.queries.feed(POLICE, after=cursor, limit=2) == ([], cursor)
    assert (
        book.ledger.queries.feed(OrganisationCode("west-mercia-police"), after="", limit=9)[0] == []
    )


@pytest.mark.parametrize("text", ["x", "1", "1-", "-1", "1-x", "1-2-3", "9" * 30 + "-1"])
def test_a_text_that_is_no_cursor_is_refused(book: Book, text: str) -> None:
    with pytest.raises(Invalid):
        book.ledger.queries.feed(POLICE, after=text, limit=1)


def test_a_refusal_keeps_digest_size_and_reason(book: Book) -> None:
    book.ledger.referrals.record_refusals([(Refusal(POLICE, bytes(32), 99, "data-uri", NOW), None)])
    (found,) = book.ledger.queries.refusals(POLICE, limit=10)
    assert (found.size, found.reason, found.at) == (99, "data-uri", NOW)
    assert book.ledger.queries.refusals(SHROPSHIRE, limit=10) == []


def test_a_key_is_kept_used_expired_and_revoked(book: Book) -> None:
    ledger, id_ = book.ledger, CredentialId("abcdef0123456789")
    scopes = frozenset({"collect"})
    new = Credential(id_, SHROPSHIRE, scopes, bytes(32), "test", NOW, None, None, None)
    ledger.credentials.add_credential(new)
    assert ledger.credentials.credential(id_) == new
    ledger.credentials.touch_credentials([id_], NOW)
    assert ledger.credentials.expire(id_, NOW + LEASE)
    assert ledger.credentials.revoke(id_, NOW)
    assert not ledger.credentials.revoke(id_, NOW)
    (kept,) = ledger.credentials.credentials(SHROPSHIRE)
    assert (kept.last_used_at, kept.expires_at, kept.revoked_at) == (NOW, NOW + LEASE, NOW)
    assert ledger.credentials.credential(CredentialId("00000000")) is None


def test_every_policy_version_is_kept_and_the_last_one_is_in_force(book: Book) -> None:
    book.ledger.policies.publish_policy("v2", bytes(32), {"policy.yaml": "new"}, NOW + LEASE)
    assert book.ledger.policies.policy(None) == ("v2", {"policy.yaml": "new"})
    assert book.ledger.policies.policy("v1") == ("v1", {"policy.yaml": "rows: []"})
    assert book.ledger.policies.policy("v3") is None
