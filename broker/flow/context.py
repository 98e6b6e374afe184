"""Part of every step: the parts that it works with, assembled once by ``broker.bootstrap``."""

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
from broker.notices.base import Notifier
from broker.settings import Settings
from broker.tracing import Traces
from broker.transport.wakeups import Wakeups


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of one process. Each may be used from any thread."""

    settings: Settings
    ledger: Ledger
    policies: PolicyCache
    wakeups: Wakeups
    activity: ActivityCounter
    channels: Mapping[str, Channel]
    """How deliveries are sent, by the channel's name in the directory."""
    notifiers: Mapping[NoticeChannel, Notifier]
    """How notices are sent, by channel; a channel that is not configured is missing."""
    clock: Clock
    new_id: NewId
    hit: Failpoint = no_failpoint
    """Called at every failpoint; see ``broker.failpoints``."""
    traces: Traces | None = None
    """Records every step that was completed; None where traces are not collected."""
