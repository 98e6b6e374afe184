"""Organisations of the directory, each with the versions that it had."""

from __future__ import annotations

from schemas.answers import anything, count, instant, many, one, text
from schemas.loading import Answer


class ListedOrganisationSchema(Answer):
    """An organisation, as the list has it."""

    code = text("Its code.")
    name = text("Its name.")
    kind = text("The kind of organisation.")
    version = count("Its version that is in force; 0: an entry of the policy's document.")


class OrganisationsSchema(Answer):
    """Organisations of the directory in force, by code."""

    organisations = many(one(ListedOrganisationSchema()), "In the order of their codes.")
    next = text("The `after` of the next page; null on the last one.", nullable=True)


class OrganisationVersionSchema(Answer):
    """A version of an organisation."""

    version = count("Its number.")
    starts_at = instant("From when it counts.")
    in_force_at = instant("Since when it counts; null before it starts.", nullable=True)
    by = text("Who recorded it.")
    reason = text("Why.")


class LaterOrganisationSchema(Answer):
    """What an organisation is set to be from an instant on."""

    version = count("The number of the version.")
    starts_at = instant("From when it counts.")
    changes = many(
        text("Where it stands in `entry`, as a JSON pointer."),
        "The fields that are others from then on.",
    )
    entry = anything("Its entry then, as in a directory.")


class OrganisationSchema(Answer):
    """An organisation: what it is, what it is set to be later, and its versions."""

    code = text("Its code.")
    version = count("Its last version, which may start later; 0: the policy's document has it.")
    in_force = count("The version that is in force; 0: the policy's document has it.")
    etag = text(
        "What `If-Match` takes, without the quotes: `version`, and `in_force` if it differs."
    )
    entry = anything(
        "Its entry in force, as in a directory; of an organisation that is yet to start, its last."
    )
    later = many(
        one(LaterOrganisationSchema()), "What is set for later, in the order of the starts."
    )
    versions = many(
        one(OrganisationVersionSchema()), "Its last 100 versions as a row, the newest first."
    )
    policy_version = text("The version of the policy that is in force.")


ORGANISATIONS = OrganisationsSchema()
ORGANISATION = OrganisationSchema()
