"""A row that is like one before it is read as the reader of directories reads it alone."""

import copy
import json
import random
from collections.abc import Callable
from typing import Any

import pytest

from broker.channels.registry import CHANNELS
from broker.domain.ids import OrganisationCode
from broker.errors import Fault
from broker.policy.language.directory import Entry, Organisation
from broker.policy.language.directory_reader import OrganisationReader
from broker.policy.language.few import Few
from broker.policy.published.policy import Policy
from tests.directory_rows import entries, row

SCHOOL = OrganisationCode("school-900001")
TEXTS = (
    "Another Name",
    " Another Name ",
    "",
    " ",
    "01632 960199",
    "0163",
    "a@b.example.org",
    "a@b",
)
VALUES: tuple[Any, ...] = (
    *TEXTS,
    None,
    5,
    True,
    [],
    ["x"],
    {},
    {"email": "a@b.example.org"},
    "mailbox",
    "always",
)
MUTATIONS = 1500


def read(reader: OrganisationReader, code: str, document: Any) -> tuple[list[Entry], list[Fault]]:
    faults: list[Fault] = []
    return reader.entries([row(code, document)], faults), faults


def school(**changes: Any) -> dict[str, Any]:
    return {**entries()[SCHOOL], **changes}


def days(organisation: Organisation) -> object:
    """Return all that deadlines are counted by."""
    calendar = organisation.calendar
    return calendar.hours, calendar.closures, calendar.school_days, calendar.nation


def mutated(document: dict[str, Any], chance: random.Random) -> dict[str, Any]:
    """Return a document in which up to three values are others, gone, new or in another order."""
    document = json.loads(json.dumps(document))
    for _ in range(chance.randint(1, 3)):
        parts = [document]
        for part in parts:
            parts += [value for value in part.values() if isinstance(value, dict)]
        part = chance.choice(parts)
        key = chance.choice([*part, "telephone", "email", "urn", "hours", "other"])
        match chance.randrange(4):
            case 0:
                part.pop(key, None)
            case 1 if part:
                part[key] = part.pop(chance.choice([*part]))
            case _:
                part[key] = copy.deepcopy(chance.choice(VALUES))
    return document


def test_mutated_rows_are_read_as_each_would_be_alone(book: Policy) -> None:
    chance, documents = random.Random(16), list(entries().values())
    make: Callable[[], OrganisationReader] = lambda: book.reader(CHANNELS.forms)  # noqa: E731
    shared, sound = make(), 0
    for number in range(MUTATIONS):
        document = mutated(chance.choice(documents), chance)
        (alike,), faults = read(shared, f"agency-{number}", document)
        (alone,), alone_faults = read(make(), f"agency-{number}", document)
        assert faults == alone_faults, document
        if not faults:
            assert alike.organisation is not None
            assert alone.organisation is not None
            assert alike.organisation == alone.organisation, document
            assert days(alike.organisation) == days(alone.organisation)
            assert alike.organisation.version == alone.organisation.version
            sound += 1
    assert sound > MUTATIONS / 10


def test_schools_that_differ_in_name_and_addresses_share_the_rest(book: Policy) -> None:
    reader = book.reader(CHANNELS.forms)
    contact = {"duty": {"email": "second@school.example.org", "telephone": "01632 960177"}}
    first = read(reader, "school-1", school(urn="900091", contacts=contact))[0][0].organisation
    contact = {"duty": {"email": "third@school.example.org", "telephone": "01632 960178"}}
    other = school(urn="900092", name="Other School", contacts=contact)
    second = read(reader, "school-2", other)[0][0].organisation
    assert first is not None
    assert second is not None
    assert second.hours is first.hours
    assert second.kind is first.kind
    assert isinstance(second.contacts, Few), "it was read like the first"
    assert (second.code, second.name, second.urn) == ("school-2", "Other School", "900092")
    assert second.place == "organisation school-2"
    assert second.contacts == {"duty": {"email": "third@school.example.org"}}
    assert second.telephones["duty"].number == "01632 960178"  # type: ignore[index]


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "},
        {"urn": None},
        {"contacts": {"duty": {"email": "nowhere", "telephone": "01632 960177"}}},
        {"contacts": {"duty": {"email": "duty@school.example.org", "telephone": "999"}}},
    ],
)
def test_what_is_wrong_with_a_row_like_another_is_found(
    book: Policy, wrong: dict[str, Any]
) -> None:
    reader = book.reader(CHANNELS.forms)
    contacts = {"duty": {"email": "duty@school.example.org", "telephone": "01632 960176"}}
    assert read(reader, "school-1", school(contacts=contacts))[1] == []
    (fault,) = read(reader, "school-2", school(**{"contacts": contacts, **wrong}))[1]
    assert fault.pointer.startswith("organisation school-2")


def test_a_row_with_faults_is_no_pattern(book: Policy) -> None:
    reader = book.reader(CHANNELS.forms)
    for code in ("school-1", "school-2"):
        faults = read(reader, code, school(channel="pigeon"))[1]
        assert [fault.code for fault in faults] == ["unknown-name"], code


def test_few_is_a_mapping_like_a_dict() -> None:
    few = Few([("a", 1), ("b", 2)])
    assert dict(few) == {"a": 1, "b": 2}
    assert (len(few), [*few], few["b"]) == (2, ["a", "b"], 2)
    assert few == {"a": 1, "b": 2}
    assert few.get("c") is None
    assert few != {"a": 1}
    assert not Few([])
    with pytest.raises(KeyError):
        few["c"]
