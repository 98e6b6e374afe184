"""Children are known again by keyed hashes, and referrals for one of them are counted once each."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.domain.codes import Grade
from broker.errors import Fault
from broker.policy.language.yaml_nodes import Node
from broker.policy.monitoring.recurrence import (
    EarlierReferral,
    Occurrence,
    Recurrence,
    Recurring,
    marks_of,
    occurrences,
    read_recurrence,
    recurring,
)
from schemas.child import Child
from schemas.tolerance import reload
from schemas.unknown import Unknown
from tests.acceptance.conftest import sample

KEY = bytes(range(32))
NOW = datetime(2026, 12, 14, 10, 0, tzinfo=UTC)
RULE = Recurrence(Grade.LOW, 3, timedelta(days=90))
HAZEL = Child(
    "child-1",
    given_name="Mary Ann",
    family_name="Dunmore-Søren",
    date_of_birth=date(2020, 7, 7),
)


def linked(child: Child, other: Child) -> bool:
    return not set(marks_of(child, KEY)).isdisjoint(marks_of(other, KEY))


@pytest.mark.parametrize(
    "change",
    [
        {"given_name": "MARY  ANN"},
        {"given_name": "Maryann"},
        {"given_name": "Ann Mary"},
        {"given_name": "Máry-Ann", "family_name": "dunmore soren"},
        {"given_name": "Dunmore-Soren", "family_name": "Mary Ann"},
        {"id": "another", "nhs_number": "9990001154"},
    ],
)
def test_spelling_does_not_hide_a_child(change: dict) -> None:
    assert linked(HAZEL, replace(HAZEL, **change))


@pytest.mark.parametrize(
    "change",
    [
        {"date_of_birth": date(2020, 7, 8)},
        {"family_name": "Dunmoor"},
        {"given_name": None},
        {"date_of_birth": Unknown.NOT_YET_KNOWN},
    ],
)
def test_another_child_is_another(change: dict) -> None:
    assert not linked(HAZEL, replace(HAZEL, **change))


def test_any_identifier_links() -> None:
    numbers = Child("x", nhs_number="999 000 1154", upn="A123456789012")
    assert linked(numbers, Child("y", nhs_number="9990001154"))
    assert linked(numbers, Child("y", upn="A123456789012"))
    assert marks_of(Child("z", nhs_number=Unknown.REFUSED, given_name="A"), KEY) == ()


def test_marks_say_nothing_without_the_key() -> None:
    other = marks_of(HAZEL, bytes(32))
    assert set(other).isdisjoint(marks_of(HAZEL, KEY))
    assert all(len(mark) == 32 for mark in other)


names = st.text(st.characters(categories=("L", "M", "Pd", "Zs")), min_size=1, max_size=12)


@given(given_name=names, family_name=names)
def test_folding_is_stable(given_name: str, family_name: str) -> None:
    child = replace(HAZEL, given_name=given_name, family_name=family_name)
    turned = replace(child, given_name=family_name.upper(), family_name=f" {given_name} ")
    once = set(marks_of(child, KEY))
    assert once == set(marks_of(child, KEY))
    if once and family_name.upper().casefold() == family_name.casefold():
        assert once & set(marks_of(turned, KEY))


def seen(number: int, *marks: int, at: datetime = NOW, publisher: str = "a") -> Occurrence:
    kept = tuple(bytes([mark]) * 32 for mark in marks)
    reference = f"r{number}"
    id_ = UUID(int=number)
    return Occurrence(id_, publisher, reference, "c", "/children/0", Grade.LOW, at, kept)


def test_the_third_is_told_and_so_is_the_fourth() -> None:
    told = recurring([seen(n, 1) for n in range(4)], {}, RULE)
    assert [(recurrence.occurrence.reference, recurrence.count) for recurrence in told] == [
        ("r2", 3),
        ("r3", 4),
    ]


def test_the_earlier_ones_of_another_publisher_are_counted_and_not_named() -> None:
    before = {
        (UUID(int=9), "c"): [
            EarlierReferral("b", "secret", NOW - timedelta(days=40)),
            EarlierReferral("a", "r1", NOW - timedelta(days=2)),
        ]
    }
    (told,) = recurring([seen(9, 1)], before, RULE)
    assert told.own_references() == ["r1"]
    words = told.words(RULE)
    assert "3rd referral graded low" in words
    assert "Wed 4 Nov 2026, Sat 12 Dec 2026" in words
    assert "secret" not in words


@pytest.mark.parametrize(("days", "told"), [(89, 1), (90, 0), (400, 0)])
def test_only_what_lies_within_the_window_counts(days: int, told: int) -> None:
    old = NOW - timedelta(days=days)
    before = {
        (UUID(int=9), "c"): [EarlierReferral("a", "r1", old), EarlierReferral("a", "r2", NOW)]
    }
    assert len(recurring([seen(9, 1)], before, RULE)) == told


def test_the_same_reference_counts_once_and_never_for_itself() -> None:
    before = {
        (UUID(int=9), "c"): [
            EarlierReferral("a", "r9", NOW),
            EarlierReferral("a", "r1", NOW),
            EarlierReferral("a", "r1", NOW - timedelta(days=1)),
        ]
    }
    assert recurring([seen(9, 1)], before, RULE) == []


@given(
    st.lists(
        st.tuples(st.sets(st.integers(0, 5), min_size=1, max_size=3), st.integers(0, 200)),
        max_size=12,
    )
)
def test_a_batch_tells_the_same_as_one_by_one(drawn: list[tuple[set[int], int]]) -> None:
    """Whether referrals are routed together or one after the other changes nothing."""
    every = [
        seen(number, *marks, at=NOW + timedelta(days=days))
        for number, (marks, days) in enumerate(drawn)
    ]
    in_order = sorted(every, key=lambda occurrence: (occurrence.at, occurrence.referral))
    alone = []
    for place, occurrence in enumerate(in_order):
        others = [o for o in in_order[:place] if set(o.marks) & set(occurrence.marks)]
        before = [EarlierReferral(o.publisher, o.reference, o.at) for o in others]
        alone += recurring([occurrence], {(occurrence.referral, occurrence.child): before}, RULE)
    assert recurring(every, {}, RULE) == alone


def test_every_child_of_a_document_is_seen_with_its_place() -> None:
    referral = replace(reload(sample(12)), children=(Child("c1"), HAZEL))
    (occurrence,) = occurrences(referral, id_=UUID(int=1), publisher="a", at=NOW, key=KEY)
    assert (occurrence.child, occurrence.pointer) == ("child-1", "/children/1")


def test_what_is_wrong_in_the_policy_is_named() -> None:
    faults: list[Fault] = []
    node = Node.parse("policy.yaml", "grade: lowish\ncount: 1\nwithin_days: many", faults)
    assert node is not None
    read_recurrence(node)
    assert [fault.pointer for fault in faults] == [f"policy.yaml:{line}" for line in (1, 2, 3)]


@pytest.mark.parametrize(
    ("number", "ordinal"),
    [
        *((1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (10, "10th"), (11, "11th"), (12, "12th")),
        *((13, "13th"), (14, "14th"), (20, "20th"), (21, "21st"), (22, "22nd"), (101, "101st")),
        *((111, "111th"), (112, "112th"), (113, "113th"), (123, "123rd")),
    ],
)
def test_the_warning_says_which_one_it_is(number: int, ordinal: str) -> None:
    earlier = tuple(EarlierReferral("a", f"r{n}", NOW) for n in range(number - 1))
    words = Recurring(seen(999, 1), earlier).words(RULE)
    assert words.startswith(f"This is the {ordinal} referral graded low ")


@pytest.mark.parametrize(("earlier", "begins"), [(10, "Sat 5 Dec"), (11, "1 more, Sat 5 Dec")])
def test_ten_days_are_listed_and_the_others_counted(earlier: int, begins: str) -> None:
    days = [NOW - timedelta(days=ago) for ago in reversed(range(earlier))]
    others = tuple(EarlierReferral("a", f"r{n}", day) for n, day in enumerate(days))
    words = Recurring(seen(999, 1), others).words(RULE)
    assert f"before it: {begins} 2026" in words
    assert words.endswith("Mon 14 Dec 2026.")
    assert words.count("2026") == 10


BORN = date(2020, 7, 7)


def child(given: str | None, family: str | None, *aliases: str, born: date | None = BORN) -> Child:
    return Child("c", given, family, date_of_birth=born, aliases=aliases)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (child("Ann", "Lee"), child("Nan", "Smith", "Ann Lee")),
        (child("Ann", "Lee"), child("Nan", "Lee", "Ann")),
        (child("O’Ann", "Lee"), child("O'Ann", "L.ee")),
        (child("Oann", "Lee"), child("Nan", "Smith", "O’Ann Lee")),
        (child("Mary", "Lee"), child("Nan", "Smith", "Máry Lee")),
    ],
)
def test_an_alias_links_with_its_family_name(first: Child, second: Child) -> None:
    assert linked(first, second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (child("Ann", "Lee"), child("Nan", "Smith", "Ann")),
        (child("Ann", None, "Bo"), child("Nan", None, "Bo")),
        (child("Ann", "Lee", born=None), child("Ann", "Lee", born=None)),
        (child("Nan", "Lee", "Ann Lee", born=None), child("Ann", "Lee")),
        (child(None, "Lee"), child("", "Lee")),
        (child("Mary Ann", None), child("Mary Ann", None)),
        (child("Ann", "Lee"), child("A nn", "Lee x")),
    ],
)
def test_a_name_without_its_other_parts_does_not_link(first: Child, second: Child) -> None:
    assert not linked(first, second)


@pytest.mark.parametrize(
    ("first", "second", "other"),
    [
        *((None, None, False), (b"a", None, False), (None, b"a", False)),
        *((b"a", b"a", False), (b"a", b"b", True)),
    ],
)
def test_two_nhs_numbers_are_two_children(
    first: bytes | None, second: bytes | None, other: bool
) -> None:
    one, two = replace(seen(1, 1), nhs=first), replace(seen(2, 1), nhs=second)
    assert one.is_another(two) is other
    rule = replace(RULE, count=2)
    assert len(recurring([one, two], {}, rule)) == (not other)
    assert recurring([one, replace(two, marks=(bytes(32),))], {}, rule) == []


@pytest.mark.parametrize("days", [1, 366])
def test_the_section_is_read(days: int) -> None:
    faults: list[Fault] = []
    node = Node.parse("policy.yaml", f"grade: high\ncount: 20\nwithin_days: {days}", faults)
    assert node is not None
    assert read_recurrence(node) == Recurrence(Grade.HIGH, 20, timedelta(days=days))
    assert faults == []


@pytest.mark.parametrize("text", ["grade: low\ncount: 2\nwithin_days: 0", "{}"])
def test_a_section_that_is_wrong_is_read_as_the_least(text: str) -> None:
    faults: list[Fault] = []
    node = Node.parse("policy.yaml", text, faults)
    assert node is not None
    assert read_recurrence(node) == Recurrence(Grade.LOW, 2, timedelta(days=1))
    assert faults
