"""The directory document: organisations, and the areas that they answer for.

For editors and readers of ``policies/*/directory.yaml``. The broker itself reads the file with
checks that name the line, and that know what hangs together.
"""

from __future__ import annotations

from typing import Any, ClassVar

from schemas import codes
from schemas.fields import Code, Either, Flag, Many, Mapped, One, Text
from schemas.formats import (
    Area,
    Channel,
    Hours,
    KindName,
    LocalDay,
    LocalId,
    Organisation,
    Stretch,
    Urn,
)
from schemas.loading import Record

MOST_WINDOWS = 10
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class AreaEntrySchema(Record[dict[str, Any]]):
    """An area by its GSS code."""

    record = dict
    name = Text(200, "The name of the area.", required=True)
    nation = Code(codes.Nation, "The nation that it belongs to.", required=True)


class KindEntrySchema(Record[dict[str, Any]]):
    """A kind of organisation."""

    record = dict
    name = Text(200, "What one of them is called.", required=True)
    view = LocalId("What such an organisation may see: a view of ``views.yaml``.")
    also_called = Many(
        Text(100, required=True), 50, "Words in which publishers mean this kind, such as a post."
    )


def _hours(description: str, *, required: bool = False) -> Either:
    """Return a field of hours: a word, or by weekday one window or a list of them."""
    windows = Either(Hours(), Many(Hours(), MOST_WINDOWS))
    by_weekday = Mapped(Code(WEEKDAYS), windows, len(WEEKDAYS))
    return Either(Code(codes.Opening), by_weekday, description, required=required)


class ContactEntrySchema(Record[dict[str, Any]]):
    """How a contact is reached, and when."""

    record = dict
    email = Text(200, "Where an alarm is sent by email.")
    webhook = Text(200, "Where an alarm is posted.")
    command = Text(200, "The command that is run; the environment says what it is.")
    sms = Text(20, "The mobile that alarms are sent to as text messages, such as `07700 900123`.")
    telephone = Text(20, "The number to call, such as `01632 960123`.")
    hours = _hours(
        "When the telephone is answered: a word, or windows by weekday, in breaks and over "
        "midnight as they are. Without it, while the organisation is open."
    )


class OrganisationEntrySchema(Record[dict[str, Any]]):
    """An organisation that publishes or receives."""

    class Meta:
        """A field whose name is a word of Python."""

        include: ClassVar[dict[str, Any]] = {
            "from": LocalDay("The first day on which the entry applies.", required=True)
        }

    record = dict
    rules: ClassVar[dict[str, Any]] = {
        "if": {"properties": {"kind": {"const": "school"}}, "required": ["kind"]},
        "then": {"properties": {"urn": True, "terms": True}, "required": ["urn", "terms"]},
    }
    name = Text(200, "The name of the organisation.", required=True)
    kind = KindName("Such as `social-care`, or one of `kinds`.", required=True)
    nation = Code(
        codes.Nation, "The nation whose bank holidays its deadlines follow.", required=True
    )
    channel = Channel("How deliveries reach it.", required=True)
    address = Text(2000, "Where its channel sends, for a channel that needs an address.")
    encrypted = Flag("Whether nothing goes to it but what is encrypted to its own key.")
    hours = _hours("When it is open: a word, or windows by weekday.", required=True)
    areas = Many(Area(), 500, "The areas that it is responsible for.")
    closures = Mapped(
        LocalDay(),
        Text(200),
        500,
        "Further days on which it is closed, each with the reason.",
        required=False,
    )
    out_of_hours_partner = Organisation(
        "The organisation that takes urgent referrals while it is closed."
    )
    until = LocalDay("The last day on which the entry applies.")
    urn = Urn("The unique reference number of a school.")
    terms = Many(Stretch(), 100, "The terms of a school.")
    contacts = Mapped(
        Code(codes.Contact),
        One(ContactEntrySchema()),
        3,
        "Where people are alerted, and the telephone to call, by contact.",
        required=False,
    )


class DirectorySchema(Record[dict[str, Any]]):
    """Every organisation, every kind of them, and the areas that must be covered."""

    record = dict
    kinds = Mapped(
        KindName(),
        One(KindEntrySchema()),
        100,
        "Kinds of organisation with their views; they may be more than the broker knows itself.",
        required=False,
    )
    areas = Mapped(
        Area(),
        One(AreaEntrySchema()),
        1000,
        "Areas that somebody must cover. Which areas exist does not stand here.",
        required=False,
    )
    organisations = Mapped(
        Organisation(), One(OrganisationEntrySchema()), 5000, "Every organisation by its code."
    )


DIRECTORY = DirectorySchema()
ORGANISATION = OrganisationEntrySchema()
