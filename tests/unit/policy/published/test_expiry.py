"""What the policy knows only up to a day is told 90 days before."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from broker.channels.registry import CHANNELS
from broker.policy.published.expiry import ending_soon, endings
from broker.policy.published.lint import lint
from broker.policy.published.policy import Policy, documents_from, load
from tests.conftest import POLICIES

LAST_HOLIDAY = date(2028, 12, 31)
LAST_TERM_DAY = date(2028, 7, 20)
Altered = Callable[..., Policy]


@pytest.fixture
def altered() -> Altered:
    """Load the shipped policy with one text of its directory replaced."""

    def make(old: str, new: str) -> Policy:
        documents = documents_from(POLICIES)
        assert old in documents["directory.yaml"], "the directory has changed: change this test"
        directory = documents["directory.yaml"].replace(old, new, 1)
        return load(
            documents | {"directory.yaml": directory}, version="altered", channels=CHANNELS.forms
        )

    return make


def what_ends(book: Policy, day: date) -> set[tuple[str, str]]:
    return {(ending.what, ending.of) for ending in ending_soon(book, on=day)}


def test_nothing_of_the_shipped_policy_ends_soon(book: Policy) -> None:
    assert ending_soon(book, on=date(2026, 12, 18)) == []


@pytest.mark.parametrize(("days", "told"), [(91, False), (90, True), (0, True), (-5, True)])
def test_bank_holidays_are_told_90_days_before_and_after_their_end(
    book: Policy, days: int, told: bool
) -> None:
    found = what_ends(book, LAST_HOLIDAY - timedelta(days=days))
    nations = {("bank_holidays", nation) for nation in ("ENG", "WLS", "SCT", "NIR")}
    assert nations <= found if told else not nations & found


def test_term_dates_are_told_by_their_last_school_day(book: Policy) -> None:
    schools = {("terms", f"school-90000{n}") for n in (1, 2, 3)}
    assert what_ends(book, LAST_TERM_DAY - timedelta(days=90)) == schools
    assert what_ends(book, LAST_TERM_DAY - timedelta(days=91)) == set()
    assert {
        ending.last for ending in endings(book, on=LAST_TERM_DAY) if ending.what == "terms"
    } == {LAST_TERM_DAY}


MAILS = "manager: {email: manager@probation-west-midlands.example.org, telephone: 01632 960136}}\n"
PROBATION = f"{MAILS}\n  # Schools"
ENDS = PROBATION.replace(MAILS, f"{MAILS}    until: 2027-03-31\n")
NEXT = """
  probation-next:
    name: Probation, its successor (sample)
    kind: probation
    nation: ENG
    areas: [{areas}]
    hours: office
    channel: mailbox
    from: 2027-04-01

  # Schools"""


def test_an_entry_that_ends_without_a_successor_is_told(altered: Altered) -> None:
    book = altered(PROBATION, ENDS)
    assert what_ends(book, date(2027, 1, 1)) == {("entry", "probation-west-midlands")}
    assert what_ends(book, date(2026, 12, 30)) == set()
    assert what_ends(book, date(2027, 4, 1)) == set(), "it is history by then"
    (one,) = ending_soon(book, on=date(2027, 1, 1))
    assert one.words == "probation-west-midlands ends without a successor on Wed 31 Mar 2027"


def test_a_successor_must_serve_every_place(altered: Altered) -> None:
    everywhere = ENDS.replace(
        "\n\n  # Schools", NEXT.format(areas="E10000028, E06000021, E06000051")
    )
    assert what_ends(altered(PROBATION, everywhere), date(2027, 1, 1)) == set()
    partly = ENDS.replace("\n\n  # Schools", NEXT.format(areas="E10000028, E06000021"))
    assert what_ends(altered(PROBATION, partly), date(2027, 1, 1)) == {
        ("entry", "probation-west-midlands")
    }


def test_a_calendar_without_a_source_is_read_but_not_published() -> None:
    documents = documents_from(POLICIES)
    lines = documents["bank_holidays.yaml"].splitlines()
    without = "\n".join(line for line in lines if not line.startswith("source:"))
    bare = documents | {"bank_holidays.yaml": without}
    assert load(bare, version="old", channels=CHANNELS.forms).edition.source == ""
    assert [(fault.pointer, fault.code) for fault in lint(bare, channels=CHANNELS.forms)] == [
        ("bank_holidays.yaml:1", "missing")
    ]
