"""Idempotency: however often and in whatever company a document comes, it is one referral."""

import hashlib
from uuid import UUID

import uuid_utils.compat as ids
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from broker.domain.ids import ReferralId
from broker.domain.referral import (
    Accepted,
    Contradiction,
    NewReferral,
)
from broker.errors import Fault
from broker.policy.decision import Rejected
from tests.integration.ledger.conftest import NOW, POLICE, Book
from tests.integration.models.conftest import explore

NAMES = st.sampled_from("abc")
CONTENTS = st.sampled_from("12")
KEYS = st.sampled_from([None, "k", "l"])


class Idempotency(RuleBasedStateMachine):
    """A publisher that repeats itself, contradicts itself, and corrects what was rejected."""

    count = 0

    def __init__(self, book: Book) -> None:
        super().__init__()
        Idempotency.count += 1
        self.book = book
        self.prefix = f"model-{Idempotency.count}-"
        self.held: dict[str, tuple[UUID, str]] = {}
        """By reference: which referral, and its content."""
        self.keys: dict[str, tuple[UUID, str]] = {}
        self.rejected: set[UUID] = set()
        self.written = 0

    @rule(name=NAMES, content=CONTENTS, key=KEYS)
    def hand_in(self, name: str, content: str, key: str | None) -> None:
        (answer,) = self.book.ledger.referrals.accept([self._new(name, content, key)])
        by_name, by_key = self.held.get(name), self.keys.get(key or "")
        gives_way = by_name and by_name[0] in self.rejected and by_name[1] != content
        standing = [referral for referral in (None if gives_way else by_name, by_key) if referral]
        if not standing:
            self._is_new(answer, name, content, key)
        elif len({id_ for id_, _ in standing}) == 1:
            self._is_held(answer, standing[0], content)
        else:  # reference and key name two referrals: one of them is spoken for
            assert answer.id in {id_ for id_, _ in standing}
            # The bytes of what was rejected are judged anew, whatever key comes with them.
            if by_name and by_name[1] == content:
                self.rejected.discard(by_name[0])

    @rule(papers=st.lists(st.tuples(NAMES, CONTENTS), min_size=2, max_size=5))
    def hand_in_together(self, papers: list[tuple[str, str]]) -> None:
        """Every line is answered as if it had come alone, in some order."""
        answers = self.book.ledger.referrals.accept([self._new(*paper, None) for paper in papers])
        for (name, content), answer in zip(papers, answers, strict=True):
            if isinstance(answer, Accepted) and not answer.duplicate:
                self._is_new(answer, name, content, None)
        for (name, content), answer in zip(papers, answers, strict=True):
            if isinstance(answer, Contradiction) or answer.duplicate:
                self._is_held(answer, self.held[name], content)

    @rule()
    def reject(self) -> None:
        """Reject everything that waits for routing."""
        with self.book.ledger.routing.claim_unrouted(1000, now=NOW) as batch:
            fault = [Fault("/grade", "required", "It is needed.")]
            mine = [
                referral
                for referral in batch.referrals
                if referral.reference.startswith(self.prefix)
            ]
            batch.settle(
                [Rejected(referral.id, fault) for referral in mine], now=NOW, actor="broker"
            )
        self.rejected |= {referral.id for referral in mine}

    @invariant()
    def nothing_else_is_there(self) -> None:
        rows = self.book.look(
            "select count(*) from referral where starts_with(reference, %s)", self.prefix
        )
        assert rows == [(self.written,)]

    def _new(self, name: str, content: str, key: str | None) -> NewReferral:
        digest = hashlib.sha256(f"{name} {content}".encode()).digest()
        return NewReferral(
            ReferralId(ids.uuid7()),
            POLICE,
            self.prefix + name,
            key and self.prefix + key,
            digest,
            b"{}",
            NOW,
            "key:model",
        )

    def _is_new(
        self, answer: Accepted | Contradiction, name: str, content: str, key: str | None
    ) -> None:
        assert isinstance(answer, Accepted)
        assert not answer.duplicate
        before = self.held.get(name)
        assert before is None or (before[0] in self.rejected and before[1] != content)
        self.held[name] = (answer.id, content)
        if key:
            self.keys[key] = self.held[name]
        self.written += 1

    def _is_held(
        self, answer: Accepted | Contradiction, standing: tuple[UUID, str], content: str
    ) -> None:
        id_, before = standing
        assert answer.id == id_
        if isinstance(answer, Accepted):
            assert answer.duplicate
            assert before == content
            # What was rejected is judged anew when it comes again: it stands until it is rejected.
            self.rejected.discard(answer.id)
        else:
            assert before != content or answer.key == "idempotency_key"


def test_a_document_is_one_referral_however_often_it_comes(book: Book) -> None:
    explore(lambda: Idempotency(book))
