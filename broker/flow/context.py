"""The parts that every step of the flow works with, put together once by ``broker.bootstrap``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from broker.channels import Channel
from broker.domain.codes import NoticeChannel
from broker.domain.ids import Clock, NewId
from broker.failpoints import Failpoint, no_failpoint
from broker.flow.activity_counter import ActivityCounter
from broker.flow.policy_cache import PolicyCache
from broker.ledger.ledger import Ledger
from broker.notices import Notifier
from broker.settings import Settings
from broker.tracing import Traces
from broker.transport.wakeups import Wakeups


@dataclass(frozen=True, slots=True)
class Context:
    """One process's broker. Every part of it may be used from any thread."""

    settings: Settings
    ledger: Ledger
    policies: PolicyCache
    wakeups: Wakeups
    activity: ActivityCounter
    channels: Mapping[str, Channel]
    """How agencies are pushed to, by the channel's name in the directory."""
    notifiers: Mapping[NoticeChannel, Notifier]
    """How people are told of alarms, by the notice's channel; a way that is not set is missing."""
    clock: Clock
    new_id: NewId
    hit: Failpoint = no_failpoint
    """Told of every named point that is reached; see ``broker.failpoints``."""
    traces: Traces | None = None
    """Told of every step that was done; None where nobody collects traces."""
