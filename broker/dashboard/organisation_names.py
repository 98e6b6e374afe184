"""Names and telephone numbers of organisations, which pages show instead of codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from broker.domain.actor import in_words
from broker.domain.codes import Contact
from broker.errors import PolicyError
from broker.flow.context import Context
from broker.policy.language.directory import Directory, Organisation, Telephone

CHANNELS: Mapping[str, str] = {
    "mailbox": "mailbox or inbox",
    "queue": "queue",
    "webhook": "webhook",
    "mesh": "NHS MESH",
}


@dataclass(frozen=True, slots=True)
class Names:
    """What the directory in force calls organisations; of those that left it, the bare code."""

    directory: Directory | None
    ledger: Mapping[str, str]
    """The names that the ledger has, also of organisations that left the directory."""

    def of(self, code: str | None) -> str:
        """Return an organisation's name, without the mark of a sample."""
        if not code:
            return "ops"
        organisation = self.organisation(code)
        name = organisation.name if organisation else self.ledger.get(code, code)
        return name.removesuffix(" (sample)")

    def person(self, actor: str | None) -> str:
        """Return a person's name from how the history names them, and the key that they used."""
        return in_words(actor or "")

    def organisation(self, code: str | None) -> Organisation | None:
        """Return the entry of the directory, if there is one."""
        return self.directory.organisation(code) if self.directory and code else None

    def kind(self, code: str) -> str:
        """Return the name of a kind of organisations."""
        kinds = self.directory.kinds if self.directory else {}
        name = kinds[code].name if code in kinds and kinds[code].name else code
        return name.replace("-", " ").capitalize()

    def telephone(self, code: str | None, now: datetime) -> Telephone | None:
        """Return the number to ring first: of the first contact that answers now, or at all."""
        numbers = [number for _, number in self.telephones(code)]
        answered = [number for number in numbers if number.is_answered(now)]
        return next(iter(answered or numbers), None)

    def telephones(self, code: str | None) -> list[tuple[Contact, Telephone]]:
        """Return the numbers of an organisation's contacts, in the order in which to ring them."""
        organisation = self.organisation(code)
        known = organisation.telephones if organisation else {}
        return [(contact, known[contact]) for contact in Contact if contact in known]

    @property
    def ops(self) -> str:
        """The code of those who look after the broker; empty where the directory has none."""
        ops = self.directory.ops if self.directory else None
        return ops.code if ops else ""


def names_of(context: Context) -> Names:
    """Return the names in force. Raises Unavailable without the ledger."""
    status = context.ledger.monitoring.organisation_status()
    try:
        directory = context.policies.latest().directory
    except PolicyError:
        directory = None
    return Names(directory, {code: presence.name for code, presence in status.items()})
