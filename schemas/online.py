"""What is known online: platforms, identities apart from persons, addresses, reports, hashes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from marshmallow import ValidationError, validates_schema

from schemas import codes, labels
from schemas.fields import Code, Many, One, Text, Whole
from schemas.formats import Digest, Email, Instant, IpAddress, LocalId, Tag
from schemas.immutable import immutable
from schemas.loading import Record


@immutable
class Platform:
    """A service where it happened."""

    name: str
    kind: codes.PlatformKind | None = None


@immutable
class Identity:
    """A digital identity, which belongs to a person only once somebody has shown it."""

    id: str
    platform: str | None = None
    username: str | None = None
    display_name: str | None = None
    email: str | None = None
    telephone: str | None = None
    belongs_to: str | None = None


@immutable
class IpEvent:
    """One use of an address: without port and time it finds nobody."""

    address: str
    port: int | None = None
    at: datetime | None = None
    event: codes.IpEventKind | None = None


@immutable
class Report:
    """A report to or by somebody else, by its number there."""

    source: codes.ReportSource
    id: str
    source_name: str | None = None
    incident_type: str | None = None
    priority: str | None = None
    received_at: datetime | None = None


@immutable
class FileHash:
    """What stands for a file that may not be sent."""

    algorithm: codes.HashAlgorithm
    value: str


@immutable
class ImageCounts:
    """How many images of each category (Sentencing Council) were found."""

    a: int | None = None
    b: int | None = None
    c: int | None = None


@immutable
class Online:
    """What is known online."""

    platforms: tuple[Platform, ...] = ()
    identities: tuple[Identity, ...] = ()
    ip_events: tuple[IpEvent, ...] = ()
    reports: tuple[Report, ...] = ()
    hashes: tuple[FileHash, ...] = ()
    image_counts: ImageCounts | None = None
    tags: tuple[str, ...] = ()


class PlatformSchema(Record[Platform]):
    """A service where it happened."""

    record = Platform
    name = Text(100, "The name of the service.", required=True)
    kind = Code(codes.PlatformKind, "What kind of service it is.", labels=labels.PLATFORM_KINDS)


class IdentitySchema(Record[Identity]):
    """A digital identity, apart from persons until somebody has shown whose it is."""

    record = Identity
    id = LocalId("Names this identity inside the document.", required=True)
    platform = Text(100, "The service on which it is used.")
    username = Text(200, "The account's name.")
    display_name = Text(200, "The name that others see.")
    email = Email("The account's email address.")
    telephone = Text(60, "The account's telephone number.")
    belongs_to = LocalId("Id of the child or person whose it is, once somebody has shown it.")


class IpEventSchema(Record[IpEvent]):
    """One use of an address."""

    record = IpEvent
    address = IpAddress("The address, version 4 or 6.", required=True)
    port = Whole(0, 65_535, "The source port; needed where many share an address.")
    at = Instant("When the address was used.", past=True)
    event = Code(codes.IpEventKind, "What it was used for.", labels=labels.IP_EVENTS)


class ReportSchema(Record[Report]):
    """A report to or by somebody else, by its number there."""

    record = Report
    source = Code(
        codes.ReportSource,
        "Who reported it, or to whom it was reported.",
        required=True,
        labels=labels.REPORT_SOURCES,
    )
    id = Text(100, "The number of the report there.", required=True)
    source_name = Text(200, "Who it was, where the code does not say.")
    incident_type = Text(200, "The kind of incident, in the words of the source.")
    priority = Text(200, "The priority, in the words of the source.")
    received_at = Instant("When the police received it.", past=True)


_BASE64 = "[A-Za-z0-9+/_-]"


def _digest_of(*sizes: int) -> str:
    """Return the form of a hash of one of these sizes, in bytes: in hex, or in base64."""
    forms = [
        form
        for size in sizes
        for form in (f"[0-9A-Fa-f]{{{size * 2}}}", f"{_BASE64}{{{-(-size * 4 // 3)}}}={{0,2}}")
    ]
    return f"^(?:{'|'.join(forms)})$"


DIGESTS: Mapping[str, str] = {
    codes.HashAlgorithm.MD5: _digest_of(16),
    codes.HashAlgorithm.SHA1: _digest_of(20).replace("(?:", "(?:[A-Za-z2-7]{32}|"),
    codes.HashAlgorithm.SHA256: _digest_of(32),
    codes.HashAlgorithm.SHA512: _digest_of(64),
    codes.HashAlgorithm.PHOTODNA: _digest_of(144),
    codes.HashAlgorithm.PDQ: _digest_of(32),
    codes.HashAlgorithm.PHASH: _digest_of(8, 32),
}
"""The form of a hash by its algorithm; SHA-1 is in base32 too, and others have no one form."""
_DIGESTS = {name: re.compile(form.replace("$", r"\Z")) for name, form in DIGESTS.items()}


class FileHashSchema(Record[FileHash]):
    """What stands for a file; the file itself is never sent."""

    record = FileHash
    algorithm = Code(
        codes.HashAlgorithm, "How the hash was made.", required=True, labels=labels.HASH_ALGORITHMS
    )
    value = Digest("The hash, in hex or base64, as long as its algorithm has it.", required=True)
    rules: ClassVar[dict[str, Any]] = {
        "allOf": [
            {
                "if": {
                    "properties": {"algorithm": {"const": str(name)}},
                    "required": ["algorithm"],
                },
                "then": {"properties": {"value": {"pattern": form}}},
            }
            for name, form in DIGESTS.items()
        ]
    }

    @validates_schema(skip_on_field_errors=False)
    def _as_the_algorithm_has_it(self, data: dict[str, Any], **_: Any) -> None:
        form = _DIGESTS.get(data.get("algorithm", ""))
        value = data.get("value")
        if form is not None and value is not None and not form.match(value):
            raise ValidationError(f"bad-hash: This is no {data['algorithm']} hash.", "value")


class ImageCountsSchema(Record[ImageCounts]):
    """How many images of each category were found."""

    record = ImageCounts
    a = Whole(0, 100_000_000, "Images of category A (Sentencing Council).")
    b = Whole(0, 100_000_000, "Images of category B.")
    c = Whole(0, 100_000_000, "Images of category C.")


class OnlineSchema(Record[Online]):
    """What is known online: metadata only."""

    record = Online
    platforms = Many(One(PlatformSchema()), 20, "The services on which it happened.")
    identities = Many(
        One(IdentitySchema()),
        50,
        "Accounts, kept apart from persons until it is shown whose they are.",
    )
    ip_events = Many(One(IpEventSchema()), 200, "Uses of internet addresses.")
    reports = Many(One(ReportSchema()), 50, "Reports by or to others, by their numbers there.")
    hashes = Many(One(FileHashSchema()), 500, "Hashes of files; the files are never sent.")
    image_counts = One(ImageCountsSchema(), "How many images of each category were found.")
    tags = Many(Tag(), 30, "Words of the force's own that sort referrals.")
