"""The directory document: organisations, and the areas that they answer for.

For editors and readers of ``policies/*/directory.yaml``. The broker itself reads the file with
checks that name the line, and that know what hangs together.
"""

from __future__ import annotations

from typing import Any, ClassVar

from schemas import codes
from schemas.fields import Code, Either, Many, Mapped, One, Text
from schemas.formats import Area, Channel, Hours, LocalDay, Organisation, Stretch, Urn
from schemas.loading import Record

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class AreaEntrySchema(Record[dict[str, Any]]):
    """An area by its GSS code."""

    record = dict
    name = Text(200, required=True)
    nation = Code(codes.Nation, required=True)


class OrganisationEntrySchema(Record[dict[str, Any]]):
    """An organisation that publishes or receives."""

    class Meta:
        """A field whose name is a word of Python."""

        include: ClassVar[dict[str, Any]] = {
            "from": LocalDay("The first day on which the entry counts.", required=True)
        }

    record = dict
    rules: ClassVar[dict[str, Any]] = {
        "if": {"properties": {"kind": {"const": "school"}}, "required": ["kind"]},
        "then": {"required": ["urn", "terms"]},
    }
    name = Text(200, required=True)
    kind = Code(codes.OrganisationKind, required=True)
    nation = Code(codes.Nation, "Whose bank holidays its deadlines go by.", required=True)
    channel = Channel("How deliveries reach it.", required=True)
    address = Text(2000, "Where its channel sends, for a channel that needs an address.")
    hours = Either(Code(codes.Opening), Mapped(Code(WEEKDAYS), Hours(), 7), required=True)
    areas = Many(Area(), 500)
    closures = Mapped(LocalDay(), Text(200), 500, "Closed days with the reason.", required=False)
    out_of_hours_partner = Organisation("Who is there while it is closed.")
    until = LocalDay("The last day on which the entry counts.")
    urn = Urn("A school's number.")
    terms = Many(Stretch(), 100, "A school's terms.")
    contacts = Mapped(
        Code(codes.Contact),
        Mapped(Code(codes.NoticeChannel), Text(200), 3),
        3,
        "Where people are told of alarms.",
        required=False,
    )


class DirectorySchema(Record[dict[str, Any]]):
    """Every organisation and every known area."""

    record = dict
    areas = Mapped(Area(), One(AreaEntrySchema()), 1000)
    organisations = Mapped(Organisation(), One(OrganisationEntrySchema()), 5000)


DIRECTORY = DirectorySchema()
