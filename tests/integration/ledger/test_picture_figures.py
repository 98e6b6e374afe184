"""Whatever lies in the tables, a picture's figures are those of a plain recount."""

from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from broker.domain.pictures import TimelineRow
from broker.domain.states import DeliveryState
from tests.integration.ledger.conftest import NOW, Book
from tests.recount import STEPS, Row, is_open, made, stands, unmet

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
            " escalation, state, created_at, ended_at, next_attempt_at) select gen_random_uuid(),"
            " 'delivery.escalated', organisation, 'duty', 'email', referral, delivery, id, %s, %s,"
            " %s, %s from escalation",
            *(state, NOW, ended_at, None if ended_at else NOW),
        )
    (row,) = book.ledger.pictures.referral_timeline(referral, now=NOW, limit=12).rows
    assert [(pause.start, pause.end) for pause in row.pauses] == [(NOW, NOW)]
    assert (list(row.alerts), list(row.failed_alerts)) == ([NOW, NOW], [NOW])
