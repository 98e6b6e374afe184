"""What a worker reads before it starts its processes."""

import threading
from dataclasses import replace

import pytest

from broker import memory, time_limits
from broker.admin.publish_policy import publish
from broker.channels.registry import CHANNELS
from broker.flow import policy_cache
from broker.flow.context import Context
from broker.policy.published.policy import documents_from
from broker.settings import Settings
from tests.conftest import POLICIES, FixedClock
from workers import preparation


@pytest.fixture(autouse=True)
def nothing_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "_prepared", [])
    monkeypatch.setattr(memory, "settle", lambda _: None)  # it is for a whole process


def test_what_was_prepared_is_not_read_again(
    settings: Settings, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    preparation.prepare(settings)
    monkeypatch.setattr(policy_cache, "load", None)
    ours, theirs = (preparation.policies_of(context.ledger) for _ in range(2))
    assert ours.refreshed() is theirs.refreshed()


def test_preparing_leaves_no_thread(settings: Settings) -> None:
    before = threading.enumerate()
    preparation.prepare(settings)
    assert threading.enumerate() == before


def test_a_policy_that_is_published_later_is_read(
    settings: Settings, context: Context, clock: FixedClock
) -> None:
    preparation.prepare(settings)
    policies = preparation.policies_of(context.ledger)
    documents = dict(documents_from(POLICIES))
    documents["directory.yaml"] += "\n# The same under another version.\n"
    published = publish(context.ledger, documents, now=clock(), channels=CHANNELS.forms)
    assert policies.refreshed().version == published


def test_without_the_ledger_whoever_needs_the_policy_reads_it(
    settings: Settings, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time_limits, "POOL", 0.1)
    preparation.prepare(replace(settings, database_url="postgresql://127.0.0.1:1/none"))
    assert preparation.policies_of(context.ledger).latest()
