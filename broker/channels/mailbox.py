"""The mailbox channel: the agency's queue in the ledger, which it collects over HTTP."""

from __future__ import annotations

from typing import ClassVar, Self

from broker.channels.base import Channel
from broker.domain.channel import ChannelForm
from broker.domain.ids import Clock
from broker.settings import Settings


class Mailbox(Channel):
    """Sends nothing: a delivery waits in the ledger until its agency asks for it."""

    form: ClassVar = ChannelForm(
        name="mailbox",
        summary="The agency collects over HTTP, under a lease.",
        is_push=False,
    )

    @classmethod
    def open(cls, settings: Settings, *, clock: Clock) -> Self:
        """Return the mailbox."""
        return cls()
