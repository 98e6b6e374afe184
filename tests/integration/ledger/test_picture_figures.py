"""Whatever lies in the tables, a picture's figures are those of a plain recount."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import uuid_utils.compat as ids

from broker.domain.pictures import TimelineRow
from broker.domain.states import DeliveryState
from broker.ledger.monitoring import SOON
from broker.policy.time.calendars import LONDON
from tests.integration.ledger.conftest import NOW, SHROPSHIRE, STOKE, Book
from tests.recount import (
    AGENCIES,
    STEPS,
    Row,
    is_at_risk,
    is_open,
    made,
    open_rows,
    stands,
    unmet,
)

SEEDS = pytest.mark.parametrize("seed", range(3))


def is_late(row: Row) -> bool:
    dues = unmet(row).values()
    return is_open(row) and row["state"] != "held" and min(dues, default=NOW) < NOW


def left_at(row: Row) -> datetime | None:
    if row["state"] in ("returned", "handed_over", "recalled"):
        return row["returned_at"] or row["recalled_at"]
    return None


def verdict(row: Row, step: str) -> str:
    """Return what became of a deadline, in the words of docs/reports.md."""
    due, met, ended = row[f"{step}_by"], row[STEPS[step]], left_at(row)
    if row["state"] == "held":
        return "held"
    if met is not None:
        return "in_time" if met <= due else "late"
    if row["paused_at"] is not None and stands(row, step):
        return "paused"
    if ended is not None:
        return "late" if ended > due else "ended"
    return "overdue" if due < NOW else "open"


@SEEDS
def test_the_rows_of_every_timeline(book: Book, seed: int) -> None:
    deliveries = [row for row in made(book.dsn, seed) if row["what"] == "delivery"]
    for referral in {row["referral"] for row in deliveries}:
        own = sorted(
            (row for row in deliveries if row["referral"] == referral), key=lambda row: row["id"]
        )
        figures = book.ledger.pictures.referral_timeline(referral, now=NOW, limit=12)
        assert figures.states == Counter(DeliveryState(row["state"]) for row in own)
        assert figures.late == sum(map(is_late, own))
        assert [row.delivery for row in figures.rows] == [row["id"] for row in own]
        for number, (drawn, row) in enumerate(zip(figures.rows, own, strict=True), 1):
            check_row(drawn, row, number)


def check_row(drawn: TimelineRow, row: Row, number: int) -> None:
    assert (drawn.number, drawn.agency, drawn.state) == (number, row["agency"], row["state"])
    assert (drawn.is_open, drawn.is_late) == (is_open(row), is_late(row))
    expected: list[tuple[Any, ...]] = [
        (step, row[f"{step}_by"], row[met], verdict(row, step))
        for step, met in STEPS.items()
        if row[f"{step}_by"]
    ]
    assert [
        (deadline.milestone, deadline.due_at, deadline.met_at, deadline.verdict)
        for deadline in drawn.deadlines
    ] == expected


def test_a_timeline_has_what_is_late_and_open_before_what_is_over(book: Book) -> None:
    referral = book.routed_to("stoke-csc", "shropshire-csc")
    book.do(
        "update delivery set state = 'decided', decided_at = %s where agency = 'stoke-csc'", NOW
    )
    (row,) = book.ledger.pictures.referral_timeline(referral, now=NOW, limit=1).rows
    assert (row.agency, row.number) == ("shropshire-csc", 2)
    everything = book.ledger.pictures.referral_timeline(referral, now=NOW, limit=12)
    assert [row.number for row in everything.rows] == [1, 2]
    assert sum(everything.states.values()) == 2


def test_pauses_and_alerts_are_those_of_the_rows(book: Book) -> None:
    referral = book.routed_to("stoke-csc")
    book.do(
        "insert into pause (id, delivery, reason, paused_at, paused_by, resumed_at, resumed_by)"
        " select gen_random_uuid(), id, 'legal_hold', %s, 'x', %s, 'x' from delivery",
        NOW,
        NOW,
    )
    book.do(
        "insert into escalation (id, ladder, policy_version, milestone, referral, delivery,"
        " organisation, due_at, began_at) select gen_random_uuid(), 'usual', 'v1', 'acknowledge',"
        " referral, id, agency, %s, %s from delivery",
        NOW,
        NOW,
    )
    for state, ended_at in (("sent", NOW), ("failed", NOW), ("sent", NOW), ("due", None)):
        book.do(
            "insert into notice (id, kind, organisation, contact, channel, referral, delivery,"
            " escalation, data, state, created_at, ended_at, next_attempt_at) select %s,"
            " 'delivery.escalated', organisation, 'duty', 'email', referral, delivery, id,"
            """ '{"step": 2}', %s, %s, %s, %s from escalation""",
            *(ids.uuid7(), state, NOW, ended_at, None if ended_at else NOW),
        )
    ((escalation,),) = book.look("select id from escalation")
    listed = book.ledger.pictures.escalation_alerts(escalation)
    assert [(alert.step, alert.state, alert.name) for alert in listed] == [
        (2, state, "Stoke social care") for state in ("sent", "failed", "sent", "due")
    ]
    assert book.ledger.pictures.escalation_policy(escalation) == "v1"
    (row,) = book.ledger.pictures.referral_timeline(referral, now=NOW, limit=12).rows
    assert [(pause.start, pause.end) for pause in row.pauses] == [(NOW, NOW)]
    assert (list(row.alerts), list(row.failed_alerts)) == ([NOW, NOW], [NOW])


@SEEDS
def test_the_next_deadlines_by_the_hour(book: Book, seed: int) -> None:
    """The picture counts what the list at risk counts, each once, by its next deadline."""
    late: Counter[bool] = Counter()
    expected: Counter[tuple[datetime, bool]] = Counter()
    for row in filter(is_at_risk, open_rows(made(book.dsn, seed))):
        due, is_urgent = min(unmet(row).values(), default=None), row["grade"] == "very_high"
        if due is not None and due < NOW:
            late[is_urgent] += 1
        elif due is not None and due < NOW + timedelta(hours=24):
            expected[due.replace(minute=0, second=0), is_urgent] += 1
    hours = book.ledger.pictures.deadlines_by_hour(now=NOW)
    assert [hour.begins_at for hour in hours] == [
        None,
        *(NOW + timedelta(hours=number) for number in range(24)),
    ]
    assert (hours[0].urgent, hours[0].other) == (late[True], late[False])
    assert hours[0].count == book.ledger.monitoring.risk_counts(now=NOW).breached
    counted = {
        (hour.begins_at, is_urgent): count
        for hour in hours[1:]
        for is_urgent, count in ((True, hour.urgent), (False, hour.other))
        if count
    }
    assert counted == expected


def test_what_is_graded_immediate_or_very_high_is_urgent(book: Book) -> None:
    for grade in ("immediate", "very_high", "high", "medium", "low", None):
        referral = book.routed_to("stoke-csc")
        book.do("update referral set effective_grade = %s where id = %s", grade, referral)
    hours = book.ledger.pictures.deadlines_by_hour(now=NOW)
    assert [(hour.urgent, hour.other) for hour in hours if hour.count] == [(2, 4)]


@pytest.mark.parametrize(
    "now",
    [
        datetime(2026, 12, 11, 10, 0, tzinfo=UTC),
        datetime(2026, 10, 30, 23, 30, 40, tzinfo=UTC),
        datetime(2026, 7, 1, 22, 59, 59, tzinfo=UTC),
        datetime(2026, 7, 1, 23, 0, tzinfo=UTC),
    ],
)
def test_the_days_of_every_agency(book: Book, now: datetime) -> None:
    """Over a winter, a summer, the night of the change, and the minute at which a day begins."""
    chance = random.Random(now.timestamp())
    for agency in AGENCIES:
        for _ in range(60):
            book.routed_to(agency, decide_in=None)
    for (id_,) in book.look("select id from delivery"):
        due = now - timedelta(minutes=chance.randint(-600, 29 * 1440))
        met = chance.choice((None, due - timedelta(hours=1), due + timedelta(hours=1)))
        book.do("update delivery set acknowledge_by = %s where id = %s", due, id_)
        if met:
            book.do(
                "update delivery set state = 'acknowledged', acknowledged_at = %s where id = %s",
                *(met, id_),
            )
    fold(book)
    expected: Counter[tuple[str, date, str]] = Counter()
    minute = now.replace(second=0)
    for agency, due, met in book.look(
        "select agency, acknowledge_by, acknowledged_at from delivery"
    ):
        if due < minute:
            day = due.astimezone(LONDON).date()
            expected[agency, day, "due"] += 1
            expected[agency, day, "late"] += met is None or met > due
    days = book.ledger.pictures.daily_deadlines(now=now, agencies=AGENCIES)
    today = now.astimezone(LONDON).date()
    for agency in AGENCIES:
        assert [day.day for day in days[agency]] == [
            today - timedelta(days=number) for number in reversed(range(28))
        ]
        for day in days[agency]:
            counts = expected[agency, day.day, "due"], expected[agency, day.day, "late"]
            assert (day.due, day.late) == counts
    assert book.ledger.pictures.daily_deadlines(now=now) == days
    month = book.ledger.pictures.daily_deadlines(now=now, agencies=["nobody"])
    assert sum(day.due for day in month["nobody"]) == 0


def fold(book: Book) -> None:
    """Fold a part of what the triggers counted into minutes, hours and days, as the sweep does."""
    book.ledger.sweep.fold_counts(limit=50)


@SEEDS
def test_the_state_of_every_area(book: Book, seed: int) -> None:
    work = [row for row in open_rows(made(book.dsn, seed)) if row["what"] == "delivery"]
    serving = {"E1": [STOKE], "E2": [STOKE, SHROPSHIRE], "E3": ["nobody"], "E4": [STOKE, STOKE]}
    states = {state.area: state for state in book.ledger.pictures.area_states(serving, now=NOW)}
    assert states.keys() == serving.keys()
    for area, agencies in serving.items():
        own = [row for row in work if row["agency"] in agencies]
        dues = [min(unmet(row).values()) for row in own if row["state"] != "held" and unmet(row)]
        state = states[area]
        assert (state.open, state.late) == (len(own), sum(due < NOW for due in dues))
        assert state.due_soon == sum(NOW <= due < NOW + SOON for due in dues)
        assert state.next_due_at == min(dues, default=None)
