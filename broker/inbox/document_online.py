"""What a readable document says of what is known online, and what the police added locally."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from broker.inbox.document_source import Source, flat, joined, plain
from broker.inbox.document_values import Line, Row, Section
from broker.policy.disclosure import EXTENSIONS, ONLINE
from broker.web.moments import instant_text
from schemas import labels
from schemas.concern import ABOUT

_OF_SOMEBODY = "Accounts of somebody who is not shown to you"
_NOT_LINKED = "Not linked to anybody"
_CATEGORIES = (("a", "Category A"), ("b", "Category B"), ("c", "Category C"))
_SOURCES = {**labels.REPORT_SOURCES, "other": "Somebody else"}
_NO_IMAGES = "No image is kept or sent here."


def online(content: Source) -> Section:
    """Return what is known online; accounts by whose they are."""
    known = content.below(ONLINE)
    rows = (
        *known.row("Where", "platforms", _platforms),
        *_accounts(known),
        *known.row("Internet addresses", "ip_events", lambda value: _addresses(value, known)),
        *known.row("Images counted", "image_counts", _images),
        *known.row("Reports", "reports", lambda value: _reports_made(value, known)),
        *known.row("Hashes of files", "hashes", _hashes),
        *known.row("Words the force sorts by", "tags", _tags),
        *known.rest(),
    )
    remarks = content.around.remarks.rest_of(known.pointer)
    return Section("online", "Online", rows=rows, remarks=remarks)


def extensions(content: Source) -> Section:
    """Return what the police added for local use, by whose addition it is."""
    added = content.below(EXTENSIONS)
    rows = [
        row
        for namespace, extension in added.value.items()
        for row in _extension(str(namespace), extension, added)
    ]
    remarks = content.around.remarks.rest_of(added.pointer)
    return Section(
        "extensions", "Added by the police for local use", rows=tuple(rows), remarks=remarks
    )


def _accounts(known: Source) -> Iterator[Row]:
    """Yield the accounts of each person, and last those that nobody has been shown to own."""
    people = known.around.people
    owned: dict[str, list[Line]] = {}
    for account in known.each("identities"):
        owner = account.text("belongs_to")
        label = _OF_SOMEBODY if owner else _NOT_LINKED
        if owner in people:
            label = f"Accounts of {people[owner]}"
        owned.setdefault(label, []).append(Line(_account(account)))
    remarks = known.around.remarks.rest_of(known.place("identities"))
    labels_ = sorted(owned, key=lambda label: label == _NOT_LINKED)
    for label in labels_ or ([_NOT_LINKED] if remarks else []):
        own = remarks if label == (labels_ or [label])[-1] else ()
        yield Row(label, tuple(owned.get(label, ())), own, (f"{known.place('identities')}",))


def _account(account: Source) -> str:
    """Return an account in one line: ``mr_m_invented, display name “M”, on Murmur``."""
    account.read.add("id")
    name, platform = account.text("display_name"), account.text("platform")
    parts = (
        account.text("username"),
        f"display name “{name}”" if name else "",
        account.text("email"),
        account.text("telephone"),
        f"on {platform}" if platform else "",
        *(f"{row.label}: {row.text}" for row in account.rest()),
    )
    return ", ".join(filter(None, parts))


def _platforms(value: Any) -> list[str]:
    return [
        f"{plain(item.get('name'))} ({_label(labels.PLATFORM_KINDS, item['kind'])})"
        if item.get("kind")
        else plain(item.get("name"))
        for item in value
    ]


def _addresses(value: Any, known: Source) -> list[str]:
    lines = []
    for item in value:
        port, at, event = item.get("port"), item.get("at"), item.get("event")
        parts = (
            plain(item.get("address")),
            f"port {port}" if port is not None else "",
            instant_text(at, known.around.clock) if at else "",
            _label(labels.IP_EVENTS, event).lower() if event else "",
        )
        lines.append(", ".join(filter(None, parts)))
    return lines


def _images(value: Any) -> list[str]:
    counted = [
        f"{name}: {value[letter]:,}" if value[letter] else f"{name}: none"
        for letter, name in _CATEGORIES
        if value.get(letter) is not None
    ]
    return [f"{'. '.join(counted)}.", _NO_IMAGES] if counted else []


def _reports_made(value: Any, known: Source) -> list[str]:
    lines = []
    for item in value:
        at = item.get("received_at")
        parts = (
            f"{_label(_SOURCES, item.get('source'))}, number {plain(item.get('id'))}",
            plain(item.get("source_name") or ""),
            plain(item.get("incident_type") or ""),
            plain(item.get("priority") or ""),
            f"received {instant_text(at, known.around.clock)}" if at else "",
        )
        lines.append(", ".join(filter(None, parts)))
    return lines


def _hashes(value: Any) -> list[str]:
    return [
        f"{_label(labels.HASH_ALGORITHMS, item.get('algorithm'))}: {plain(item.get('value'))}"
        for item in value
    ]


def _tags(value: Any) -> list[str]:
    return [plain(item).replace("_", " ") for item in value]


def _extension(namespace: str, extension: Any, added: Source) -> Iterator[Row]:
    added.take(namespace)
    whose = added.around.organisations.get(namespace, namespace)
    place = added.place(namespace)
    if isinstance(extension, Mapping):
        names = added.around.names_of(extension.get(ABOUT))
        if names:
            yield Row(f"{whose}: about", (Line(joined(names)),), pointers=(place,))
        extension = {name: item for name, item in extension.items() if name != ABOUT}
    for path, text in flat(extension):
        yield Row(
            ": ".join([whose, " ".join(path)] if path else [whose]),
            (Line(text),),
            pointers=(place,),
        )


def _label(names: Mapping[str, str], code: object) -> str:
    return names.get(str(code), str(code))
