"""What is known online: platforms, identities apart from persons, addresses, reports, hashes."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from schemas import codes
from schemas.fields import Code, Many, One, Text, Whole
from schemas.formats import Digest, Email, Instant, IpAddress, LocalId, Tag
from schemas.loading import Record


@dataclass(frozen=True, slots=True)
class Platform:
    """A service where it happened."""

    name: str
    kind: codes.PlatformKind | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """A digital identity, which belongs to a person only once somebody has shown it."""

    id: str
    platform: str | None = None
    username: str | None = None
    display_name: str | None = None
    email: str | None = None
    telephone: str | None = None
    belongs_to: str | None = None


@dataclass(frozen=True, slots=True)
class IpEvent:
    """One use of an address: without port and time it finds nobody."""

    address: str
    port: int | None = None
    at: datetime | None = None
    event: codes.IpEventKind | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """A report to or by somebody else, by its number there."""

    source: codes.ReportSource
    id: str
    incident_type: str | None = None
    priority: str | None = None
    received_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class FileHash:
    """What stands for a file that may not be sent."""

    algorithm: codes.HashAlgorithm
    value: str


@dataclass(frozen=True, slots=True)
class ImageCounts:
    """How many images of each category (Sentencing Council) were found."""

    a: int | None = None
    b: int | None = None
    c: int | None = None


@dataclass(frozen=True, slots=True)
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
    name = Text(100, required=True)
    kind = Code(codes.PlatformKind)


class IdentitySchema(Record[Identity]):
    """A digital identity, apart from persons until somebody has shown whose it is."""

    record = Identity
    id = LocalId(required=True)
    platform = Text(100)
    username = Text(200)
    display_name = Text(200)
    email = Email()
    telephone = Text(60)
    belongs_to = LocalId("Id of a child or person in this document.")


class IpEventSchema(Record[IpEvent]):
    """One use of an address."""

    record = IpEvent
    address = IpAddress(required=True)
    port = Whole(0, 65_535, "Needed where many share an address.")
    at = Instant(past=True)
    event = Code(codes.IpEventKind)


class ReportSchema(Record[Report]):
    """A report to or by somebody else, by its number there."""

    record = Report
    source = Code(codes.ReportSource, required=True)
    id = Text(100, required=True)
    incident_type = Text(200)
    priority = Text(200)
    received_at = Instant(past=True)


class FileHashSchema(Record[FileHash]):
    """What stands for a file; the file itself is never sent."""

    record = FileHash
    algorithm = Code(codes.HashAlgorithm, required=True)
    value = Digest(required=True)


class ImageCountsSchema(Record[ImageCounts]):
    """How many images of each category were found."""

    record = ImageCounts
    a = Whole(0, 100_000_000)
    b = Whole(0, 100_000_000)
    c = Whole(0, 100_000_000)


class OnlineSchema(Record[Online]):
    """What is known online: metadata only."""

    record = Online
    platforms = Many(One(PlatformSchema()), 20)
    identities = Many(One(IdentitySchema()), 50)
    ip_events = Many(One(IpEventSchema()), 200)
    reports = Many(One(ReportSchema()), 50)
    hashes = Many(One(FileHashSchema()), 500)
    image_counts = One(ImageCountsSchema())
    tags = Many(Tag(), 30)
