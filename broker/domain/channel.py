"""What the directory and the rules know of a channel: its name and the form of its addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class AddressForm:
    """The form of the addresses of a channel, with one that has it."""

    pattern: re.Pattern[str]
    example: str

    def fits(self, address: str) -> bool:
        """Tell whether an address has the form, from its first character to its last."""
        return self.pattern.fullmatch(address) is not None


@dataclass(frozen=True, slots=True)
class ChannelForm:
    """What an organisation's entry in the directory may say of a channel."""

    name: str
    """As the directory writes it: ``mailbox``."""
    summary: str
    """How deliveries reach the organisation, in one sentence."""
    is_push: bool
    """Whether the broker sends; otherwise the agency collects."""
    address: AddressForm | None = None
    """The form of the entry's ``address``; None where an entry has none."""
    encrypts: bool = False
    """Whether what is sent can be encrypted to the organisation's own key."""


ChannelForms = Mapping[str, ChannelForm]
"""Every channel that this broker has, by name."""

WEB_ADDRESS = AddressForm(
    re.compile(
        r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9/._~%-]*)?(\?[A-Za-z0-9._~%=&+:/-]*)?"
    ),
    "https://stoke.example.org/notices",
)
"""The address of a web server's page, with a query where it needs one."""
