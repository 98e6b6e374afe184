"""Silence is told by the policy and by what is usual; chance is told from change."""

import math
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.channels.registry import CHANNELS
from broker.errors import Fault
from broker.policy.language.directory import Organisation
from broker.policy.language.yaml_nodes import Node
from broker.policy.monitoring.silence import (
    COLLECTING,
    LEAST_EVENTS,
    LEAST_EXPECTED_A_DAY,
    LEAST_HISTORY,
    SENDING,
    Collecting,
    Quiet,
    Seen,
    Sending,
    Silence,
    Usual,
    judge,
    learn,
    poisson_at_most,
    read_silence,
)
from broker.policy.published.policy import Policy, documents_from, load
from broker.policy.time.deadlines import Within
from tests.conftest import POLICIES

NOW = datetime(2026, 12, 9, 12, 0, tzinfo=UTC)  # a Wednesday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BOOK: Policy = load(documents_from(POLICIES), version="shipped", channels=CHANNELS.forms)


def organisation(code: str) -> Organisation:
    found = BOOK.directory.organisation(code)
    assert found is not None
    return found


def judged(
    seen: Seen, *, now: datetime = NOW, usual: Usual | None = None, policy: Silence = BOOK.silence
) -> Quiet | None:
    who = organisation(seen.organisation)
    return judge(seen, organisation=who, policy=policy, usual=usual, now=now)


def police(last: datetime | None, since: datetime = NOW - 90 * DAY, day: int | None = None) -> Seen:
    return Seen("staffordshire-police", SENDING, last, since, None, day)


def stoke(
    last: datetime | None, waits: datetime | None, due: datetime | None = NOW + 9 * HOUR
) -> Seen:
    return Seen("stoke-csc", COLLECTING, last, waits, due)


@pytest.mark.parametrize(
    ("last", "quiet"),
    [
        (datetime(2026, 12, 7, 12, 0, tzinfo=UTC), True),  # 5 + 8 + 3 working hours
        (datetime(2026, 12, 7, 12, 1, tzinfo=UTC), False),
        (datetime(2026, 12, 4, 18, 0, tzinfo=UTC), True),
        (None, True),
    ],
)
def test_a_publisher_is_silent_after_so_many_working_hours(
    last: datetime | None, quiet: bool
) -> None:
    found = judged(police(last))
    assert (found is not None) == quiet
    assert found is None or found.reason == "policy"


def test_a_weekend_is_no_silence() -> None:
    friday, monday = datetime(2026, 12, 4, 17, tzinfo=UTC), datetime(2026, 12, 7, 9, tzinfo=UTC)
    assert judged(police(friday), now=monday) is None


@pytest.mark.parametrize(
    ("came", "waited", "due", "reason"),
    [
        (31, 40, 600, "policy"),
        (29, 40, 600, None),
        (None, 31, 600, "policy"),
        (300, 10, 600, None),  # what waits came only now
        (6, 7, 59, "deadline"),
        (4, 7, 59, None),
        (6, 7, 61, None),
        (6, 7, -5, "deadline"),
    ],
)
def test_an_agency_is_silent_while_something_waits(
    came: int | None, waited: int, due: int, reason: str | None
) -> None:
    minute = timedelta(minutes=1)
    last = None if came is None else NOW - came * minute
    found = judged(stoke(last, NOW - waited * minute, NOW + due * minute))
    assert (found.reason if found else None) == reason


def test_where_nothing_waits_nobody_need_come() -> None:
    assert judged(stoke(NOW - 30 * DAY, None, None)) is None


def office_hours(each: int, weeks: int = 4) -> dict[datetime, int]:
    """Return counts of so many an hour, Monday to Friday, nine to five."""
    hours = (NOW - weeks * 7 * DAY + n * HOUR for n in range(weeks * 7 * 24))
    return {at: each for at in hours if at.weekday() < 5 and 9 <= at.hour < 17}


def usual_of(counts: dict[datetime, int], holidays: frozenset[date] = frozenset()) -> Usual:
    found = learn(counts, first=min(counts), now=NOW, holidays=holidays)
    assert found is not None
    return found


def test_what_is_usual_is_learned_by_the_hour_of_the_week() -> None:
    usual = usual_of(office_hours(4))
    monday = datetime(2026, 12, 14, tzinfo=UTC)
    assert usual.expected(monday, monday + DAY, ()) == pytest.approx(32)
    assert usual.expected(monday - DAY, monday, ()) == 0
    assert usual.expected(monday + 9.5 * HOUR, monday + 10 * HOUR, ()) == pytest.approx(2)


def test_a_holiday_is_like_a_sunday() -> None:
    usual = usual_of(office_hours(4))
    monday = datetime(2026, 12, 28, tzinfo=UTC)
    assert usual.expected(monday, monday + DAY, {monday.date()}) == 0


def test_nothing_at_all_is_learned_silence_once_it_is_as_good_as_impossible() -> None:
    usual = usual_of(office_hours(4))
    soon = replace(BOOK.silence, sending={})
    nine = datetime(2026, 12, 9, 9, tzinfo=UTC)
    assert judged(police(nine), now=nine + 1.7 * HOUR, usual=usual, policy=soon) is None
    found = judged(police(nine), now=nine + 1.8 * HOUR, usual=usual, policy=soon)
    assert found is not None
    assert (found.reason, found.counted) == ("learned", 0)
    assert found.expected == pytest.approx(7.2)
    assert judged(police(nine), now=nine + 1.8 * HOUR, policy=soon) is None


def test_an_agency_that_always_comes_is_missed_although_nothing_waits() -> None:
    usual = usual_of(dict.fromkeys((NOW - n * HOUR for n in range(1, 672)), 120))
    assert judged(stoke(NOW - 59 * timedelta(minutes=1), None), usual=usual) is None
    found = judged(stoke(NOW - HOUR, None), usual=usual)
    assert found is not None
    assert (found.activity, found.reason) == (COLLECTING, "learned")


def test_bursts_count_as_one() -> None:
    """Forty at once on some weekdays are no forty chances to be heard."""
    bulk = {NOW - n * DAY: 40 for n in range(1, 28) if n % 2}
    usual = usual_of(bulk)
    assert usual.dispersion > 20
    soon = replace(BOOK.silence, sending={})
    assert judged(police(NOW - 3 * DAY), usual=usual, policy=soon) is None


@pytest.mark.parametrize(
    ("came", "told"), [(32, False), (24, False), (17, False), (14, True), (0, True)]
)
def test_a_day_with_much_less_than_usual_is_told(came: int, told: bool) -> None:
    """GMP: one district sent 28 percent of what it had sent (32 expected, 9 came)."""
    usual = usual_of(office_hours(4))
    found = judged(police(NOW - HOUR, day=came), usual=usual)
    assert (found.reason if found else None) == ("dropped" if told else None)


def test_little_history_teaches_nothing() -> None:
    counts = office_hours(4)
    assert learn(counts, first=NOW - LEAST_HISTORY + HOUR, now=NOW, holidays=()) is None
    few = {NOW - n * DAY: 1 for n in range(1, 20)}
    assert learn(few, first=NOW - 28 * DAY, now=NOW, holidays=()) is None


@given(
    st.lists(st.floats(0, 50), min_size=168, max_size=168),
    st.integers(0, 400_000),
    st.integers(0, 20_000),
    st.integers(0, 20_000),
)
def test_what_is_expected_adds_up_and_never_falls(
    rates: list[float], offset: int, first: int, second: int
) -> None:
    usual = Usual(tuple(rates), 1.0)
    start = NOW + timedelta(seconds=offset)
    middle = start + timedelta(minutes=first)
    end = middle + timedelta(minutes=second)
    parts = usual.expected(start, middle, ()) + usual.expected(middle, end, ())
    assert usual.expected(start, end, ()) == pytest.approx(parts, abs=1e-6)


@given(st.integers(0, 60), st.floats(0, 60))
def test_the_tail_is_that_of_the_poisson_distribution(count: int, mean: float) -> None:
    slow = sum(
        math.exp(-mean + (k * math.log(mean) if mean else 0) - math.lgamma(k + 1))
        for k in range(count + 1)
        if mean or not k
    )
    assert poisson_at_most(count, mean) == pytest.approx(min(slow, 1), abs=1e-9)


@given(
    st.integers(0, 210 * 24 * 60),
    st.integers(0, 200),
    st.integers(0, 200),
)
def test_silence_never_ends_by_itself(minutes: int, hours: int, more: int) -> None:
    """Whoever is silent by the policy is silent still as long as nothing is heard."""
    last = datetime(2026, 10, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    seen, now = police(last), last + hours * HOUR
    if judged(seen, now=now) is not None:
        assert judged(seen, now=now + more * HOUR) is not None


@pytest.mark.parametrize(
    "text",
    [
        "sending: {force: {after: soon}}",
        "collecting: {school: {after: 1 hour, due_within: 1 hour}}",
        "learned_after: 1 working day",
        "receiving: {}",
    ],
)
def test_what_is_wrong_in_the_policy_is_named(text: str) -> None:
    faults: list[Fault] = []
    node = Node.parse("policy.yaml", text, faults)
    assert node is not None
    read_silence(node)
    assert [fault.pointer for fault in faults] == ["policy.yaml:1"]


ONE, THREE = (Within.parse(f"{hours} hours") for hours in (1, 3))
POLICE_KIND = organisation("staffordshire-police").kind
OFFICE_KIND = organisation("stoke-csc").kind
LEARNED = Silence(learned_after=HOUR)


def test_the_rule_of_an_organisation_comes_before_that_of_its_kind() -> None:
    sending = Silence(sending={POLICE_KIND: Sending(ONE), "staffordshire-police": Sending(THREE)})
    assert judged(police(NOW - 2 * HOUR), policy=sending) is None
    assert judged(police(NOW - 3 * HOUR), policy=sending) is not None
    collecting = Silence(collecting={OFFICE_KIND: Collecting(ONE), "stoke-csc": Collecting(THREE)})
    assert judged(stoke(None, NOW - 2 * HOUR), policy=collecting) is None
    assert judged(stoke(None, NOW - 3 * HOUR), policy=collecting) is not None


def test_nobody_is_silent_by_a_rule_that_there_is_not_or_since_nothing() -> None:
    assert judged(police(None, since=NOW - 90 * DAY), policy=Silence()) is None
    assert judged(stoke(None, NOW - 90 * DAY), policy=Silence()) is None
    never = replace(police(None), since=None)
    assert judged(never, policy=Silence(sending={POLICE_KIND: Sending(ONE)})) is None


@pytest.mark.parametrize(
    ("rule", "due"),
    [
        (Collecting(THREE, None, ONE), NOW + HOUR),
        (Collecting(THREE, THREE, None), NOW + HOUR),
        (Collecting(THREE, THREE, ONE), None),
    ],
)
def test_a_deadline_hurries_nobody_where_a_part_of_the_rule_is_missing(
    rule: Collecting, due: datetime | None
) -> None:
    seen, policy = stoke(None, NOW - 2 * HOUR, due), Silence(collecting={OFFICE_KIND: rule})
    assert judged(seen, policy=policy) is None
    whole = Silence(collecting={OFFICE_KIND: Collecting(THREE, THREE, ONE)})
    near = judged(stoke(None, NOW - 2 * HOUR, NOW + HOUR), policy=whole)
    assert near is not None
    assert near.reason == "deadline"


def test_nothing_is_alarmed_by_working_time_beyond_the_calendar() -> None:
    rule = Silence(sending={POLICE_KIND: Sending(Within.parse("1 working day"))})
    beyond = datetime(2090, 12, 9, 12, 0, tzinfo=UTC)
    assert judged(police(beyond - 30 * DAY), now=beyond, policy=rule) is None


def test_nothing_learned_is_alarmed_where_the_policy_does_not_ask_for_it() -> None:
    usual = usual_of(office_hours(4))
    seen = police(NOW - 3 * DAY, day=0)
    assert judged(seen, usual=usual, policy=Silence()) is None
    assert judged(seen, usual=usual, policy=Silence(learned_after=HOUR)) is not None
    assert judged(replace(seen, last_day=None, last_at=None), usual=usual, policy=LEARNED) is None


def test_a_drop_is_of_the_24_whole_hours_before() -> None:
    found = judged(
        police(NOW - HOUR / 2, day=0),
        now=NOW + HOUR / 2,
        usual=usual_of(office_hours(4)),
        policy=LEARNED,
    )
    assert found is not None
    assert (found.reason, found.since, found.counted) == ("dropped", NOW - DAY, 0)
    assert found.expected == pytest.approx(32)


def test_no_drop_is_told_where_few_are_expected() -> None:
    usual = Usual((9.99 / 24,) * 168, 1.0)
    assert judged(police(NOW, day=0), usual=usual, policy=LEARNED) is None
    usual = Usual((*(0.5,) * 20, *(0.0,) * 4) * 7, 1.0)
    assert usual.expected(NOW - DAY, NOW, ()) == LEAST_EXPECTED_A_DAY
    assert judged(police(NOW, day=0), usual=usual, policy=LEARNED) is not None
    assert judged(police(NOW, day=0), usual=None, policy=LEARNED) is None


def test_the_least_history_teaches() -> None:
    counts = {NOW - n * DAY: 2 for n in range(1, 15)}
    assert learn(counts, first=NOW - LEAST_HISTORY, now=NOW, holidays=()) is not None


@pytest.mark.parametrize(("days", "learned"), [(LEAST_EVENTS - 1, False), (LEAST_EVENTS, True)])
def test_the_least_number_of_bursts_teaches(days: float, learned: bool) -> None:
    """One each day at the same hour varies less than by chance, so each is a burst."""
    counts = {NOW - n * DAY: 1 for n in range(1, int(days) + 1)}
    usual = learn(counts, first=NOW - 28 * DAY, now=NOW, holidays=())
    assert (usual is not None) == learned


def test_the_dispersion_is_the_variance_over_the_mean() -> None:
    """Four Wednesdays at eleven with 0, 0, 8 and 8: a mean of 4, squares of 64, three free."""
    counts = {NOW - HOUR - weeks * 7 * DAY: came for weeks, came in enumerate((8, 8, 0, 0))}
    counts |= {NOW - 2 * HOUR - weeks * 7 * DAY: 50 for weeks in range(4)}
    usual = usual_of(counts | {NOW - 28 * DAY: 0})
    assert usual.dispersion == pytest.approx((64 / 4) / 6)
    wednesday = datetime(2026, 12, 16, 11, 0, tzinfo=UTC)
    assert usual.expected(wednesday, wednesday + HOUR, ()) == pytest.approx(4)


def test_an_hour_that_has_not_ended_teaches_nothing() -> None:
    counts = office_hours(4)
    now = NOW + HOUR / 2
    whole, under_way = (
        learn(each, first=min(counts), now=now, holidays=())
        for each in (counts, {**counts, NOW: 99})
    )
    assert whole == under_way is not None


def test_the_section_is_read() -> None:
    faults: list[Fault] = []
    text = (
        "sending: {force: {after: 1 hours}}\n"
        "collecting: {school: {after: 3 hours, due_within: 3 hours, then_after: 1 hours}}\n"
        "learned_after: 90 minutes"
    )
    node = Node.parse("policy.yaml", text, faults)
    assert node is not None
    collecting = {"school": Collecting(THREE, THREE, ONE)}
    learned = timedelta(minutes=90)
    assert read_silence(node) == Silence({"force": Sending(ONE)}, collecting, learned)
    assert faults == []


@pytest.mark.parametrize("section", ["sending", "collecting"])
def test_a_rule_without_its_time_is_a_fault(section: str) -> None:
    faults: list[Fault] = []
    node = Node.parse("policy.yaml", f"{section}: {{school: {{}}}}", faults)
    assert node is not None
    read_silence(node)
    assert [fault.code for fault in faults] == ["missing"]
