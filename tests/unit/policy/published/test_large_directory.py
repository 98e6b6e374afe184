"""A directory of national size is read; one that is written to fill the memory is refused."""

from datetime import date

import pytest

from broker.channels.registry import CHANNELS
from broker.errors import PolicyError
from broker.policy.published.expiry import TERMS, endings
from broker.policy.published.lint import unpublishable
from broker.policy.published.policy import Policy, documents_from, load
from tests.conftest import POLICIES

SCHOOLS = 3000
"""Four times what once was the most that could be read, with their references written out."""


def school(number: int) -> str:
    return f"""\
  school-{number}:
    name: Sample School {number}
    kind: school
    nation: ENG
    urn: "{number}"
    hours: *school-hours
    terms: *terms
    channel: mailbox
    from: 2026-01-01
    contacts: {{duty: {{email: duty@school-{number}.example.org, telephone: 01632 960137}}}}
"""


@pytest.fixture(scope="module")
def large() -> Policy:
    documents = documents_from(POLICIES)
    documents["directory.yaml"] += "".join(school(100_000 + number) for number in range(SCHOOLS))
    return load(documents, version="large", channels=CHANNELS.forms)


def refused(directory: str) -> list[str]:
    documents = documents_from(POLICIES) | {"directory.yaml": directory}
    with pytest.raises(PolicyError) as caught:
        load(documents, version="hostile", channels=CHANNELS.forms)
    return [fault.code for fault in caught.value.faults]


def test_thousands_of_schools_are_read_and_fit_to_be_published(large: Policy) -> None:
    last = large.directory.serving("school", str(100_000 + SCHOOLS - 1), date(2026, 11, 27))

    assert last is not None
    assert last.name == f"Sample School {100_000 + SCHOOLS - 1}"
    assert large.directory.names[last.code] == last.name
    assert unpublishable(large) == []


def test_schools_with_the_same_terms_share_what_is_counted(large: Policy) -> None:
    first, second = (large.directory.organisation(f"school-{100_000 + n}") for n in (0, 1))

    assert first is not None
    assert second is not None
    assert first.calendar is second.calendar
    assert first.telephones["duty"].calendar is second.calendar


def test_a_closure_of_one_school_is_its_own() -> None:
    documents = documents_from(POLICIES)
    closed = school(100_001) + "    closures: {2026-11-27: moving house}\n"
    documents["directory.yaml"] += school(100_000) + closed
    policy = load(documents, version="closed", channels=CHANNELS.forms)
    opened, shut = (policy.directory.organisation(f"school-{n}") for n in (100_000, 100_001))

    assert opened is not None
    assert opened.school_days is not None
    assert shut is not None
    assert shut.school_days is not None
    assert opened.school_days - shut.school_days == {date(2026, 11, 27)}


def test_every_school_has_its_own_end_of_terms(large: Policy) -> None:
    terms = [ending for ending in endings(large, on=date(2026, 11, 27)) if ending.what == TERMS]

    assert len({ending.of for ending in terms}) == len(terms) > SCHOOLS
    assert {ending.last for ending in terms} == {date(2028, 7, 20)}


def test_references_that_multiply_are_refused() -> None:
    """Ten lines that refer to the line before ten times are ten thousand million parts."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]

    assert refused("\n".join(lines)) == ["not-a-document"]


def test_a_part_that_refers_to_itself_is_refused() -> None:
    assert refused("areas: &areas {E10000028: *areas}") == ["not-a-document"]


def test_what_is_nested_deeper_than_can_be_counted_is_refused() -> None:
    assert refused("areas: " + "[" * 2000 + "]" * 2000) == ["not-a-document"]
