"""Reads rows that differ from one before them in names and addresses alone: most schools do.

The reader of directories remains the only one who knows what an entry means. What it made of a row
without a fault is the pattern for every row with the same content but for its name, its URN, and
the email addresses and telephone numbers of its contacts. On any doubt there is no answer, and the
reader reads the row. A test compares both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from broker.domain.channel import AddressForm
from broker.domain.codes import Contact, NoticeChannel
from broker.domain.ids import OrganisationCode
from broker.policy.language.directory import Organisation, Telephone
from broker.policy.language.few import Few

MOST = 2000
"""Patterns that are held; a country has a few hundred, mostly by council."""
_OWN = ("name", "urn")
"""Texts of an entry that are its own."""
_CONTACTS, _EMAIL, _TELEPHONE = "contacts", str(NoticeChannel.EMAIL), "telephone"
Contacts = Mapping[Contact, Mapping[NoticeChannel, str]]


class _Doubt(Exception):
    """The row is not like its pattern, or its pattern cannot be told."""


class SimilarRows:
    """Patterns of rows, for one reader of directories."""

    def __init__(self, email: AddressForm, telephone: AddressForm) -> None:
        self._forms = {_EMAIL: email, _TELEPHONE: telephone}
        self._patterns: dict[bytes, Organisation] = {}

    def read(
        self,
        code: OrganisationCode,
        version: int,
        document: Mapping[str, Any],
        reader: Callable[[], tuple[Organisation, bool]],
    ) -> Organisation:
        """Return the organisation of a row.

        ``reader`` reads it, and says whether nothing is wrong with it.
        """
        try:
            content = _content(document)
            pattern = self._patterns.get(content)
            if pattern is not None:
                return self._like(pattern, code, version, document)
        except _Doubt:
            content = b""
        organisation, is_sound = reader()
        organisation = replace(organisation, version=version)
        if content and is_sound and len(self._patterns) < MOST:
            self._patterns[content] = organisation
        return organisation

    def _like(
        self,
        pattern: Organisation,
        code: OrganisationCode,
        version: int,
        document: Mapping[str, Any],
    ) -> Organisation:
        """Return an organisation like another one. Raises _Doubt."""
        contacts, telephones = self._contacts(pattern, document.get(_CONTACTS, {}))
        return replace(
            pattern,
            code=code,
            version=version,
            name=_text(document["name"]),
            urn=_text(document["urn"]) if document.get("urn") is not None else None,
            place=f"organisation {code}",
            contacts=contacts,
            telephones=telephones,
        )

    def _contacts(
        self, pattern: Organisation, written: Mapping[str, Mapping[str, Any]]
    ) -> tuple[Contacts, Mapping[Contact, Telephone]]:
        contacts = Few(
            (contact, self._addresses(ways, written[contact]))
            for contact, ways in pattern.contacts.items()
        )
        telephones = Few(
            (contact, replace(telephone, number=self._address(_TELEPHONE, written[contact])))
            for contact, telephone in pattern.telephones.items()
        )
        return contacts, telephones

    def _addresses(
        self, ways: Mapping[NoticeChannel, str], written: Mapping[str, Any]
    ) -> Mapping[NoticeChannel, str]:
        """Return where a contact is told of alarms: the ways of the pattern, its own email."""
        if NoticeChannel.EMAIL not in ways:
            return ways
        email = self._address(_EMAIL, written)
        return Few((way, email if way == _EMAIL else address) for way, address in ways.items())

    def _address(self, way: str, written: Mapping[str, Any]) -> str:
        address = _text(written[way])
        if not self._forms[way].fits(address):
            raise _Doubt
        return address


def _content(document: Mapping[str, Any]) -> bytes:
    """Return what a row has in common with those that are like it. Raises _Doubt."""
    own = _own_texts(_OWN, document)
    common = {key: value for key, value in document.items() if key not in own}
    contacts = document.get(_CONTACTS, {})
    if not isinstance(contacts, dict) or "name" not in document:
        raise _Doubt
    common[_CONTACTS] = [_ways(contact, written) for contact, written in contacts.items()]
    try:
        return orjson.dumps([own, common])
    except TypeError as error:
        raise _Doubt from error


def _ways(contact: str, written: object) -> list[Any]:
    """Return what is said of a contact, but for the addresses that are its own."""
    if not isinstance(written, dict):
        raise _Doubt
    own = _own_texts((_EMAIL, _TELEPHONE), written)
    return [contact, own, {key: value for key, value in written.items() if key not in own}]


def _own_texts(keys: Sequence[str], written: Mapping[str, Any]) -> list[str]:
    """Return those keys that have a text: the reader takes null for nothing."""
    return [key for key in keys if isinstance(written.get(key), str)]


def _text(value: object) -> str:
    """Return a text as the reader takes it. Raises _Doubt."""
    text = value.strip() if isinstance(value, str) else ""
    if not text:
        raise _Doubt
    return text
