"""What every channel is: its form in the directory, its settings, and how it sends.

``docs/contributing/add-a-channel.md`` shows how to add one.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Self

from broker.declared_settings import DeclaresSettings
from broker.domain.channel import ChannelForm
from broker.domain.delivery import Offer
from broker.domain.ids import Clock
from broker.domain.push import PushOutcome
from broker.settings import Settings

SEND_WITHIN = timedelta(seconds=30)
"""How long ``send`` may take for a batch, so that its outcomes are settled under their leases."""


@dataclass(frozen=True, slots=True)
class Parcel:
    """One leased delivery on its way."""

    offer: Offer
    body: bytes
    """What its agency may see of it, as JSON."""
    address: str = ""
    """The agency's address in the directory; empty for a channel that needs none."""
    encryption_key: str = ""
    """The agency's public key in PEM, for a channel that encrypts; empty where it has none."""
    must_encrypt: bool = False
    """Whether the directory requires that it is encrypted."""


class Channel(DeclaresSettings, ABC):
    """A way in which deliveries reach agencies. An open one may be used from any thread.

    ``settings`` are its own; where one that is needed is missing, a process does not open it.
    """

    form: ClassVar[ChannelForm]

    @classmethod
    @abstractmethod
    def open(cls, settings: Settings, *, clock: Clock) -> Self:
        """Return the channel for one process, without waiting for the other side."""

    def check(self) -> str:
        """Return in a few words how the other side is, for ``broker doctor``.

        Raises Unavailable when it does not answer.
        """
        return "is ready"

    def close(self) -> None:
        """End connections; nothing is sent afterwards."""
        return


class PushChannel(Channel):
    """A channel on which the broker sends; its form says ``is_push=True``."""

    def is_ready(self) -> bool:
        """Tell whether it is worth claiming deliveries: not while the far end is unavailable.

        They stay due then and go out in batches afterwards. Asked before each batch.
        """
        return True

    @abstractmethod
    def send(self, parcels: Sequence[Parcel], *, now: datetime) -> list[PushOutcome]:
        """Send a batch and return what came of each parcel, in order.

        Takes ``SEND_WITHIN`` at most, and returns ``Deferred`` for what the other side fails at.
        The same delivery always goes under the same id, however often it is sent.
        """


def wait_before_retry(before: int, *, first: timedelta, longest: timedelta) -> timedelta:
    """Return a pause that doubles each time; ``before`` is how many there were, 0 at first.

    Give an offer's ``sendings`` for how long to wait for its agency, and its ``deferrals`` for how
    long to wait until it is tried again: an outage is no reason to wait longer for an agency.
    """
    return min(first * (1 << min(before, 20)), longest)
