"""Texts of a fixed form: identifiers, numbers with a check digit, places, days and instants."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Container
from contextvars import ContextVar
from datetime import UTC, date, datetime, timedelta
from operator import mul
from typing import Any, ClassVar
from uuid import UUID

from marshmallow import fields

from schemas.codes import OrganisationKind
from schemas.fields import Many, Spoken, described, words
from schemas.immutable import immutable

_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_DAY = f"^{_DATE}$"
_INSTANT = (
    rf"^{_DATE}T[0-9]{{2}}(?::[0-9]{{2}}){{2}}(?:\.[0-9]{{1,9}})?(?:Z|[+-][0-9]{{2}}:[0-9]{{2}})$"
)
_NAIVE = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?")
UNBORN_DAYS = 300
YEARS = range(1900, 2101)
"""Other years stand for no day at all: they are the least and the greatest that a system knows."""
_RANGE = f"out-of-range: Give a year from {YEARS[0]} to {YEARS[-1]}, or leave it out."
GRACE = timedelta(days=1)
"""A sender's clock may be a little ahead of ours, also at midnight."""
INSTANT_SHAPE = re.compile(_INSTANT.replace("$", r"\Z"), re.ASCII)
DAY_SHAPE = re.compile(_DAY.replace("$", r"\Z"), re.ASCII)

_NHS_WEIGHTS = range(10, 1, -1)


@immutable
class Surroundings:
    """What a document is judged against, beside its own content."""

    today: date
    areas: Container[str] | None
    """The codes of areas and countries that exist; None lets any well-formed code pass."""


_ANYWHERE = Surroundings(date.max, None)
surroundings: ContextVar[Surroundings] = ContextVar("surroundings", default=_ANYWHERE)
"""Set for the length of one load: marshmallow hands fields nothing from outside."""


class Formed(Spoken, fields.String):
    """A text that matches a pattern as a whole."""

    pattern: ClassVar[str]
    default_error_messages = words(
        form="bad-format: The text has not the form that this field needs.",
    )

    def __init__(self, description: str = "", *, required: bool = False) -> None:
        super().__init__(required=required, metadata=described(description, pattern=self.pattern))
        # In Python $ also matches before a last newline, in JSON Schema it does not.
        self.matches = re.compile(self.pattern.replace("$", r"\Z"), re.ASCII).match

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if type(value) is not str:
            raise self.make_error("invalid")
        if not self.matches(value):
            raise self.make_error("form")
        return value


class Reference(Formed):
    """The publisher's own reference: it goes into addresses, so the characters are few."""

    pattern = r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$"
    default_error_messages = words(
        form="bad-reference: Use 1 to 64 letters, digits and . _ / - and begin with a "
        "letter or digit.",
    )


class LocalId(Formed):
    """A name for something inside one document, so that its parts can point at each other."""

    pattern = r"^[a-z][a-z0-9-]{0,31}$"
    default_error_messages = words(
        form="bad-id: Use 1 to 32 small letters, digits and - and begin with a letter.",
    )


def concerned(
    description: str = "Whom it is about, by local id; left out: everybody.",
) -> Many:
    """Return a field for the local ids of the people that a text is about."""
    return Many(LocalId(), 60, description)


class Organisation(Formed):
    """An organisation's code from the directory."""

    pattern = r"^[a-z][a-z0-9-]{1,63}$"
    default_error_messages = words(
        form="bad-organisation: Use the organisation's code from the directory.",
    )


class Channel(Formed):
    """A channel's name; which there are, the broker's registry of channels says."""

    pattern = r"^[a-z][a-z0-9-]{1,39}$"
    default_error_messages = words(
        form="bad-channel: Use the name of a channel, such as mailbox.",
    )


class KindName(Formed):
    """A kind of organisation: one that the broker knows, or that the directory declares."""

    pattern = r"^[a-z][a-z0-9-]{1,39}$"
    default_error_messages = words(
        form="bad-kind: Use 2 to 40 small letters, digits and - and begin with a letter.",
    )

    def __init__(self, about: str = "", *, required: bool = False) -> None:
        super().__init__(about, required=required)
        known = {"enum": [str(kind) for kind in OrganisationKind]}
        self.metadata = described(about, anyOf=[known, {"pattern": self.pattern}])


class PlaceCode(Formed):
    """The code of a place, loaded in capitals; one of those that there are, where these are known.

    Each kind of place has its words for a code that there is not, ``unknown``.
    """

    def _deserialize(self, value: Any, *rest: Any, **extra: Any) -> Any:
        code = super()._deserialize(value, *rest, **extra).strip().upper()
        areas = surroundings.get().areas
        if areas is not None and code not in areas:
            raise self.make_error("unknown")
        return code


class Area(PlaceCode):
    """The GSS code of an area (Office for National Statistics), loaded in capitals.

    That of a local authority, of a district, or one that another has replaced. E is England, W
    Wales, S Scotland, N Northern Ireland, L the Channel Islands and M the Isle of Man.
    """

    pattern = r"^ *[EWSNLMewsnlm][0-9]{8} *$"
    default_error_messages = words(
        form="bad-area: Give a GSS code: E, W, S, N, L or M and eight digits.",
        unknown="unknown-area: There is no area with this code.",
    )


class Country(PlaceCode):
    """A country by its code of two letters (ISO 3166-1), loaded in capitals."""

    pattern = r"^ *[A-Za-z]{2} *$"
    default_error_messages = words(
        form="bad-country: Give the country's code of two letters, such as GB.",
        unknown="unknown-country: There is no country with this code.",
    )


class NhsNumber(Formed):
    """Ten digits, the last of which checks the others; spaces after the third and sixth allowed."""

    pattern = r"^[0-9]{3} ?[0-9]{3} ?[0-9]{4}$"
    default_error_messages = words(
        form="nhs-number-format: An NHS number has ten digits.",
        check="nhs-number-check-digit: The last digit does not fit the others; "
        "one of them is mistyped.",
    )

    def _deserialize(self, value: Any, *rest: Any, **extra: Any) -> Any:
        digits = super()._deserialize(value, *rest, **extra).replace(" ", "")
        if nhs_check_digit(digits[:9]) != int(digits[9]):
            raise self.make_error("check")
        return digits


class Urn(Formed):
    """A school's unique reference number (Get Information about Schools)."""

    pattern = r"^[0-9]{6}$"
    default_error_messages = words(
        form="bad-urn: A URN has six digits.",
    )


class Upn(Formed):
    """A pupil's unique number."""

    pattern = r"^[A-Z][0-9]{11}[0-9A-Z]$"
    default_error_messages = words(
        form="bad-upn: A UPN is a capital, eleven digits, and a digit or capital.",
    )


class Uprn(Formed):
    """A property's unique reference number."""

    pattern = r"^[0-9]{1,12}$"
    default_error_messages = words(
        form="bad-uprn: A UPRN has one to twelve digits.",
    )


class Postcode(Formed):
    """A postcode by its form, or the first part of one; where it is, is looked up afterwards."""

    pattern = (
        r"^ *(?:[A-Za-z]{1,2}[0-9][A-Za-z0-9]? *(?:[0-9][A-Za-z]{0,2})?"
        r"|[Bb][Ff][Pp][Oo] *[0-9]{1,4}) *$"
    )
    default_error_messages = words(
        form="bad-postcode: Give a postcode or its first part, such as ST16 2LH, ST16 or BFPO 12.",
    )


class Email(Formed):
    """An email address by its rough form."""

    pattern = r"^[^@\s]{1,64}@[^@\s]{1,189}$"
    default_error_messages = words(
        form="bad-email: Give an email address, name@host.",
    )


class Digest(Formed):
    """A hash of a file, in hex or base64."""

    pattern = r"^[0-9A-Za-z+/=_-]{8,288}$"
    default_error_messages = words(
        form="bad-hash: Give the hash in hex or base64, 8 to 288 characters.",
    )


class Tag(Formed):
    """A short word that sorts documents."""

    pattern = r"^[a-z][a-z0-9_-]{0,39}$"
    default_error_messages = words(
        form="bad-tag: Use small letters, digits, _ and - and at most 40 of them.",
    )


class Version(Formed):
    """The name and version of the schema that a referral follows."""

    pattern = r"^referral/1$"
    default_error_messages = words(
        form="unknown-schema: This broker reads referral/1.",
    )


class LocalDay(Formed):
    """A day of a calendar, in the future or not."""

    pattern = _DAY
    default_error_messages = words(form="bad-date: Give a day as YYYY-MM-DD.")


class Stretch(Formed):
    """The first and last day of a stretch of time."""

    pattern = f"^{_DATE} to {_DATE}$"
    default_error_messages = words(form="bad-date: Give two days as YYYY-MM-DD to YYYY-MM-DD.")


class Hours(Formed):
    """Opening and closing time of a day."""

    pattern = r"^[0-9]{2}:[0-9]{2}-[0-9]{2}:[0-9]{2}$"
    default_error_messages = words(form="bad-hours: Give opening hours as 09:00-17:00.")


class Within(Formed):
    """A span on one of the four clocks."""

    pattern = r"^(?:[1-9][0-9]{0,2} (?:working hour|working day|hour|minute)s?|next school day)$"
    default_error_messages = words(
        form="bad-deadline: Give 15 minutes, 4 hours, 4 working hours, 1 working day or "
        "next school day.",
    )


class FieldPath(Formed):
    """The way to a field inside a part of a referral, or the namespace of an extension."""

    pattern = r"^[a-z][a-z0-9_-]{0,63}(?:\.[a-z0-9][a-z0-9_-]{0,62}){0,8}$"
    default_error_messages = words(
        form="bad-path: Give names of fields with a dot between them, or the namespace of an "
        "extension."
    )


class IpAddress(Spoken, fields.String):
    """An IP address, version 4 or 6, without port or mask."""

    default_error_messages = words(
        form="bad-ip: Give an IPv4 or IPv6 address, without port or mask.",
    )

    def __init__(self, description: str = "", *, required: bool = False) -> None:
        super().__init__(required=required, metadata=described(description, maxLength=45))

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if type(value) is not str:
            raise self.make_error("invalid")
        try:
            return str(ipaddress.ip_address(value)) if len(value) <= 45 else self._refuse()
        except ValueError as error:
            raise self.make_error("form") from error

    def _refuse(self) -> str:
        raise self.make_error("form")


class Identifier(Spoken, fields.UUID):
    """An id that the broker gave."""

    default_error_messages = words(
        form="bad-id: Give the id as the broker gave it.",
    )

    def __init__(self, description: str = "", *, required: bool = False) -> None:
        super().__init__(required=required, metadata=described(description))

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if type(value) is not str:
            raise self.make_error("invalid")
        try:
            return UUID(value)
        except ValueError as error:
            raise self.make_error("form") from error


class Day(Spoken, fields.Date):
    """A day, which may not lie in the future; or an expected birth, which may, for a while."""

    default_error_messages = words(
        form="bad-date: Give a day as YYYY-MM-DD.",
        future="date-in-future: The day lies in the future.",
        far="date-too-far: The day lies more than {days} days in the future.",
        range=_RANGE,
    )

    def __init__(
        self, description: str = "", *, expected: bool = False, required: bool = False
    ) -> None:
        super().__init__(required=required, metadata=described(description, pattern=_DAY))
        self.expected = expected

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if type(value) is not str:
            raise self.make_error("invalid")
        day = self._parsed(value)
        if day.year not in YEARS:
            raise self.make_error("range")
        ahead = (day - surroundings.get().today).days
        if ahead > (UNBORN_DAYS if self.expected else 0):
            raise self.make_error("far" if self.expected else "future", days=UNBORN_DAYS)
        return day

    def _parsed(self, value: str) -> date:
        try:
            if DAY_SHAPE.match(value):
                return date.fromisoformat(value)
        except ValueError:
            pass
        raise self.make_error("form")


class Instant(Spoken, fields.DateTime):
    """A moment with its offset from UTC (RFC 3339), loaded to UTC."""

    default_error_messages = words(
        form="bad-time: Give date, time and offset as in 2026-12-18T16:50:00Z.",
        naive="naive-time: Add the offset from UTC, such as Z or +01:00.",
        future="date-in-future: This has happened, so it cannot lie in the future.",
        range=_RANGE,
    )

    def __init__(
        self, description: str = "", *, required: bool = False, past: bool = False
    ) -> None:
        super().__init__(required=required, metadata=described(description, pattern=_INSTANT))
        self.past = past

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if type(value) is not str:
            raise self.make_error("invalid")
        instant = self._parsed(value)
        if instant.year not in YEARS:
            raise self.make_error("range")
        if self.past and instant.date() - surroundings.get().today > GRACE:
            raise self.make_error("future")
        return instant

    def _parsed(self, value: str) -> datetime:
        try:
            if INSTANT_SHAPE.match(value):
                return datetime.fromisoformat(value).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        raise self.make_error("naive" if _NAIVE.fullmatch(value) else "form")


def nhs_check_digit(nine: str) -> int | None:
    """Return the tenth digit for nine digits, or None when there is no such number.

    Modulus 11, weights ten to two (NHS Data Model and Dictionary, NHS number).
    """
    total = sum(map(mul, map(int, nine), _NHS_WEIGHTS))
    check = 11 - total % 11
    return {10: None, 11: 0}.get(check, check)
