"""Every channel of this broker: the one list that everything else reads.

The directory's vocabulary and schema, ``broker policy lint``, the settings, the ledger's table of
channels, dispatch, ``broker doctor`` and the documents' tests read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from broker.channels.base import Channel, PushChannel
from broker.channels.mailbox import Mailbox
from broker.channels.queue import QueueChannel
from broker.declared_settings import DeclaredSetting
from broker.domain.channel import ChannelForms
from broker.domain.ids import Clock
from broker.settings import Settings


class ChannelRegistry:
    """A list of channels, each under a name of its own."""

    def __init__(self, channels: Sequence[type[Channel]]) -> None:
        self.channels = tuple(channels)
        self.forms: ChannelForms = {channel.form.name: channel.form for channel in channels}
        """What the directory and the rules know of each."""
        if len(self.forms) < len(self.channels):
            raise ValueError("Two channels have one name.")
        if any(kind.form.is_push != issubclass(kind, PushChannel) for kind in channels):
            raise ValueError("A channel that sends is a PushChannel, and its form says is_push.")

    @property
    def settings(self) -> tuple[DeclaredSetting, ...]:
        """The settings of all channels."""
        return tuple(setting for channel in self.channels for setting in channel.settings)

    def extended(self, *more: type[Channel]) -> ChannelRegistry:
        """Return a registry with further channels, such as those of another package."""
        return ChannelRegistry((*self.channels, *more))

    @contextmanager
    def opened(self, settings: Settings, *, clock: Clock) -> Iterator[dict[str, Channel]]:
        """Open, by name, the channels whose settings are complete; close them at the end."""
        with ExitStack() as stack:
            channels = {}
            for kind in self.channels:
                if not kind.missing(settings.declared):
                    channel = kind.open(settings, clock=clock)
                    stack.callback(channel.close)
                    channels[kind.form.name] = channel
            yield channels


CHANNELS = ChannelRegistry((Mailbox, QueueChannel))
