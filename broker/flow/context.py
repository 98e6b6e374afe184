"""Part of every step: the parts that it works with, assembled once by ``broker.bootstrap``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from broker.channels.base import Channel, PushChannel
from broker.domain.codes import NoticeChannel
from broker.domain.ids import Clock, NewId, OrganisationCode
from broker.failpoints import Failpoint, no_failpoint
from broker.flow.activity_counter import ActivityCounter
from broker.flow.channel_threads import ChannelThreads
from broker.flow.epoch_cache import EpochCache
from broker.flow.policy_cache import PolicyCache
from broker.ledger.ledger import Ledger
from broker.ledger_clock import LedgerClock
from broker.notices.base import Notifier
from broker.settings import Settings
from broker.side_log import SideLog
from broker.tracing import Traces
from broker.transport.nudges import Nudges
from broker.transport.wakeups import Wakeups


@dataclass(frozen=True, slots=True)
class Context:
    """The parts of one process. Each may be used from any thread."""

    settings: Settings
    ledger: Ledger
    policies: PolicyCache
    epochs: EpochCache
    """The present epoch, and which ids a restore lost."""
    wakeups: Wakeups
    nudges: Nudges
    """Sent after each commit that a long poll may wait for."""
    activity: ActivityCounter
    channels: Mapping[str, Channel]
    """How deliveries go out, by the channel's name in the directory: those with their settings."""
    notifiers: Mapping[NoticeChannel, Notifier]
    """How notices are sent, by channel; a channel that is not configured is missing."""
    clock: Clock
    new_id: NewId
    hit: Failpoint = no_failpoint
    """Called at every failpoint; see ``broker.failpoints``."""
    ledger_clock: LedgerClock | None = None
    """Compares this process's clock with the ledger's; None where a test brings a clock."""
    traces: Traces | None = None
    """Records every step that was completed; None where traces are not collected."""
    side_log: SideLog = field(default_factory=lambda: SideLog(None))
    """Keeps what a restore of the ledger must not undo."""
    channel_threads: ChannelThreads = field(default_factory=ChannelThreads)
    """Where push channels send, each in a thread of its own."""
    test_organisation: OrganisationCode | None = None
    """In a rehearsal alone: who gets whatever is sent, in place of every real agency."""

    def on(self, ledger: Ledger) -> Context:
        """Return a context whose every read and write is another ledger's, as a rehearsal needs.

        A second connection inside a transaction could be the last one of the pool. What is counted
        there is counted by that ledger alone.
        """
        return replace(
            self,
            ledger=ledger,
            policies=self.policies.reading(ledger),
            epochs=self.epochs.reading(ledger),
            activity=ActivityCounter(ledger, self.clock),
        )

    @property
    def may_lead(self) -> bool:
        """Whether this process's clock is near enough to the ledger's for leading others."""
        return self.ledger_clock is None or self.ledger_clock.is_usable

    def check_clock(self) -> None:
        """Raise ClockApart when this process's clock is too far from the ledger's to accept."""
        if self.ledger_clock is not None:
            self.ledger_clock.check()

    @property
    def push_channels(self) -> Mapping[str, PushChannel]:
        """The channels on which this process sends, by name."""
        return {
            name: channel
            for name, channel in self.channels.items()
            if isinstance(channel, PushChannel)
        }
