"""The collector of cycles has nothing to do on the path, so it may look seldom."""

from __future__ import annotations

import gc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import cast
from uuid import UUID, uuid4

import orjson
import pytest

from broker import memory
from broker.channels.registry import CHANNELS
from broker.devstack import sample_referrals
from broker.domain.ids import OrganisationCode, ReferralId
from broker.domain.states import ReferralState
from broker.flow.policy_cache import PolicyCache
from broker.flow.render import render
from broker.policy.decide import decide
from broker.policy.decision import Decision, Unrouted
from broker.policy.published.policy import Policy, documents_from, load
from broker.shipped import POLICY
from tests.unit.policy.test_disclosed_metadata import AT, OneVersion, offer, routed

NOW = datetime(2026, 11, 27, 16, tzinfo=UTC)


@pytest.fixture(scope="module")
def policy() -> Policy:
    return load(documents_from(POLICY), version="v1", channels=CHANNELS.forms)


def decided(policy: Policy, document: object) -> Decision:
    accepted_at = NOW - timedelta(minutes=1)
    waiting = Unrouted(
        id=ReferralId(UUID(int=1)),
        publisher=OrganisationCode("staffordshire-police"),
        reference="R-1",
        body=orjson.dumps(document),
        accepted_at=accepted_at,
        attempt=0,
        begun=0,
        due_at=accepted_at,
        areas={},
        state=ReferralState.ACCEPTED,
    )
    return decide(waiting, policy=policy, now=NOW, new_id=uuid4, child_key=b"k" * 32)


@pytest.mark.parametrize("name", [name for name, _ in sample_referrals.shipped()])
def test_a_decision_leaves_no_cycles(name: str, policy: Policy) -> None:
    document = dict(sample_referrals.shipped(now=NOW))[name]
    assert cycles_left(lambda: decided(policy, document)) == 0


def test_a_delivery_that_is_rendered_leaves_no_cycles(policy: Policy) -> None:
    for _, document in sample_referrals.shipped(now=AT):
        judged = routed(document, policy)
        offers = [offer(document, leg, *judged) for leg in judged[1].assignments] if judged else []
        policies = cast("PolicyCache", OneVersion(policy))
        assert cycles_left(lambda: [render(each, policies) for each in offers]) == 0  # noqa: B023


def cycles_left(work: Callable[[], object]) -> int:
    """Return how many objects in cycles are there after some work."""
    work()
    gc.collect()
    gc.freeze()  # what earlier tests keep is many times what the work makes
    gc.disable()
    try:
        # A thread of an earlier test may leave one at the same time, and seldom three times.
        return min(_collected_after(work) for _ in range(3))
    finally:
        gc.enable()


def _collected_after(work: Callable[[], object]) -> int:
    work()
    return gc.collect()


def test_a_settled_process_keeps_the_collector_off_what_lives_long() -> None:
    before, kept_off = gc.get_threshold(), gc.get_freeze_count()
    long_lived = [[number] for number in range(1000)]
    try:
        memory.settle(memory.FOR_A_WORKER)
        assert gc.get_freeze_count() >= kept_off + len(long_lived)
        assert gc.get_threshold()[0] == memory.FOR_A_WORKER
    finally:
        gc.set_threshold(*before)
