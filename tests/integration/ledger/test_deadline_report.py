"""The figures of the ledger against a naive recount of the raw rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from math import ceil
from typing import Any
from uuid import UUID

import psycopg
import pytest
import uuid_utils.compat as ids
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from psycopg.rows import dict_row

from broker.domain.states import DeliveryState
from broker.errors import Invalid
from broker.ledger import deadline_report as counting
from broker.ledger.deadline_report import STAGES, VERDICTS, Figures
from broker.policy.time.calendars import LONDON
from tests.integration.ledger.conftest import Book
from tests.integration.ledger.test_plans import rows_read

SINCE = datetime(2026, 10, 24, 23, tzinfo=UTC)
UNTIL = datetime(2026, 10, 26, 0, tzinfo=UTC)
"""Two local days, with the night between in which the clocks go back."""
NOW = datetime(2026, 10, 27, 12, tzinfo=UTC)
FORCES = ("staffordshire-police", "west-mercia-police")
AGENCIES = ("stoke-csc", "shropshire-csc", "stoke-edt")
MET = {"collect": "collected_at", "acknowledge": "acknowledged_at", "decide": "decided_at"}

LEFT_AT = (
    ("decided", "decided_at"),
    ("returned", "returned_at"),
    ("handed_over", "returned_at"),
)
"""Which instant a delivery in a state must have."""

Raw = dict[str, Any]
instants = some.integers(-120, 60 * 60).map(lambda minutes: SINCE + timedelta(minutes=minutes))
maybe = some.none() | instants
edges = some.sampled_from([SINCE, UNTIL, UNTIL - timedelta(microseconds=1)])
grades = some.sampled_from([None, "immediate", "high", "low"])
legs = some.fixed_dictionaries(
    {
        "agency": some.sampled_from(AGENCIES),
        "state": some.sampled_from([str(state) for state in DeliveryState]),
        "available_at": instants,
        "clock_start": instants,
        "collect_by": maybe,
        "acknowledge_by": maybe,
        "decide_by": maybe,
        "collected_at": maybe,
        "acknowledged_at": maybe,
        "decided_at": maybe,
        "returned_at": maybe,
        "is_sent_on": some.booleans(),
    }
)
referrals = some.fixed_dictionaries(
    {
        "publisher": some.sampled_from(FORCES),
        "state": some.sampled_from(["accepted", "routed", "rejected", "unroutable", "closed"]),
        "grade": grades,
        "effective_grade": grades,
        "accepted_at": instants | edges,
        "first_known_at": maybe,
        "legs": some.lists(legs, max_size=4),
    }
)


@pytest.fixture(scope="module")
def counted() -> Iterator[dict[str, int]]:
    """How much the property test looked at, so that it cannot pass by looking at nothing."""
    seen: dict[str, int] = defaultdict(int)
    yield seen
    assert seen["legs"] > 100


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(made=some.lists(referrals, max_size=12))
def test_the_figures_are_those_of_a_naive_recount(
    book: Book, counted: dict[str, int], made: Sequence[Raw]
) -> None:
    write(book.dsn, made)
    found = book.ledger.deadline_report.deadline_figures(SINCE, UNTIL, now=NOW)
    expected = recount(*raw_rows(book.dsn))
    assert {(figures.by, figures.of): plain(figures) for figures in found} == expected
    counted["legs"] += sum(len(document["legs"]) for document in made)


def test_nothing_accepted_gives_one_line_of_noughts(book: Book) -> None:
    (everything,) = book.ledger.deadline_report.deadline_figures(SINCE, UNTIL, now=NOW)
    assert (everything.by, everything.of) == ("all", "")
    assert everything.referrals["referrals"] == everything.legs["legs"] == 0
    assert everything.stages["accepted_to_decided"].median is None


def test_lines_stand_by_urgency_and_name(book: Book) -> None:
    write(book.dsn, [referral(grade=grade) for grade in ("low", None, "immediate", "high")])
    found = book.ledger.deadline_report.deadline_figures(SINCE, UNTIL, now=NOW)
    assert [figures.of for figures in found if figures.by == "grade"] == [
        "immediate",
        "high",
        "low",
        "",
    ]
    assert found[0].by == "all"


@pytest.mark.parametrize(
    ("due", "met", "ended", "verdict"),
    [
        (None, 1, None, "without"),
        (5, 5, None, "in_time"),
        (5, 6, None, "late"),
        (5, None, None, "overdue"),
        (15, None, None, "open"),
        (10, None, None, "open"),
        (5, None, 5, "ended"),
        (5, None, 6, "late"),
        (5, 4, 6, "in_time"),
        (15, None, 6, "ended"),
    ],
)
def test_each_verdict_at_its_boundary(
    book: Book, due: int | None, met: int | None, ended: int | None, verdict: str
) -> None:
    """Minutes after ten; it is now ten minutes past ten."""
    ten = datetime(2026, 12, 11, 10, tzinfo=UTC)
    times = [ten + timedelta(minutes=n) if n is not None else None for n in (due, met, ended, 10)]
    ((found,),) = book.look(
        "select deadline_verdict(%s::timestamptz, %s::timestamptz, %s::timestamptz, %s)", *times
    )
    assert found == verdict


def test_a_stretch_is_found_by_its_index(book: Book) -> None:
    write(book.dsn, [referral(accepted_at=SINCE + timedelta(minutes=n)) for n in range(5)])
    with psycopg.connect(book.dsn, autocommit=True) as connection:
        connection.execute(
            "insert into referral (id, publisher, reference, digest, state, accepted_at)"
            " select gen_random_uuid(), 'staffordshire-police', 'old-' || n, %s, 'accepted', %s"
            " from generate_series(1, 20000) n",
            [bytes(32), SINCE - timedelta(days=400)],
        )
        connection.execute("vacuum analyze")
    params = {"since": SINCE, "until": UNTIL, "now": NOW}
    assert rows_read(book, "deadline_figures", params) < 100


def test_counting_that_takes_too_long_is_refused_and_not_repeated(
    book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(book.dsn, [referral() for _ in range(200)])
    monkeypatch.setattr(counting, "_LIMITS", "set local statement_timeout = '1ms'")
    with pytest.raises(Invalid, match="shorter stretch"):
        book.ledger.deadline_report.deadline_figures(SINCE, UNTIL, now=NOW)


def referral(**changes: Any) -> Raw:
    leg = {
        "agency": "stoke-csc",
        "state": "available",
        "available_at": SINCE,
        "clock_start": SINCE,
        "is_sent_on": False,
        **dict.fromkeys(("collect_by", "acknowledge_by", "decide_by", *MET.values())),
        "returned_at": None,
    }
    return {
        "publisher": FORCES[0],
        "state": "routed",
        "grade": "high",
        "effective_grade": "high",
        "accepted_at": SINCE,
        "first_known_at": None,
        "legs": [leg],
        **changes,
    }


def write(dsn: str, made: Sequence[Raw]) -> None:
    """Empty the ledger and write these rows, completed where the tables ask for more."""
    with psycopg.connect(dsn) as connection:
        connection.execute("delete from delivery")
        connection.execute("delete from referral")
        for code in (*FORCES, *AGENCIES):
            connection.execute(
                "insert into organisation values (%s, 'x', 'x', 'mailbox') on conflict do nothing",
                [code],
            )
        for number, document in enumerate(made):
            _write_referral(connection, number, document)


def _write_referral(connection: psycopg.Connection, number: int, raw: Raw) -> None:
    id_ = ids.uuid7()
    connection.execute(
        "insert into referral (id, publisher, reference, digest, state, accepted_at, routed_at,"
        " closed_at, grade, effective_grade, first_known_at, reason, attend_by)"
        " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'no_area', %s)",
        [
            *(id_, raw["publisher"], f"R-{number}", bytes(32), raw["state"], raw["accepted_at"]),
            *(NOW, NOW, raw["grade"], raw["effective_grade"], raw["first_known_at"], NOW),
        ],
    )
    before: UUID | None = None
    for leg in raw["legs"]:
        row = {name: value for name, value in leg.items() if name != "is_sent_on"}
        for state, name in LEFT_AT:
            if row["state"] == state and row[name] is None:
                row[name] = NOW
        row |= {
            "id": ids.uuid7(),
            "referral": id_,
            "channel": "mailbox",
            "role": "lead",
            "policy_row": "r",
            "view": "v",
            "lease_until": NOW if row["state"] == "leased" else None,
            "undeliverable_at": NOW if row["state"] == "undeliverable" else None,
            "replaces": before if leg["is_sent_on"] else None,
        }
        names = ", ".join(row)
        places = ", ".join(f"%({name})s" for name in row)
        connection.execute(f"insert into delivery ({names}) values ({places})".encode(), row)
        before = row["id"]


def raw_rows(dsn: str) -> tuple[list[Raw], list[Raw]]:
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        return (
            connection.execute("select * from referral").fetchall(),
            connection.execute(
                "select delivery.*, before.state as before from delivery"
                " left join delivery before on before.id = delivery.replaces"
            ).fetchall(),
        )


Line = Mapping[str, Any]


def recount(every: list[Raw], deliveries: list[Raw]) -> dict[tuple[str, str], Line]:
    """Count with loops and nothing else."""
    chosen = [referral for referral in every if SINCE <= referral["accepted_at"] < UNTIL]
    groups: dict[tuple[str, str], tuple[list[Raw], list[tuple[Raw, Raw]]]] = {("all", ""): ([], [])}
    for referral in chosen:
        own = [leg for leg in deliveries if leg["referral"] == referral["id"]]
        names = {
            "all": "",
            "grade": referral["grade"] or "",
            "effective_grade": referral["effective_grade"] or "",
            "force": referral["publisher"],
            "hour": f"{referral['accepted_at'].astimezone(LONDON):%H}",
        }
        for name in names.items():
            groups.setdefault(name, ([], []))
            groups[name][0].append(referral)
            groups[name][1].extend((referral, leg) for leg in own)
        for agency in {leg["agency"] for leg in own}:
            groups.setdefault(("agency", agency), ([], []))
            groups["agency", agency][0].append(referral)
            groups["agency", agency][1].extend(
                (referral, leg) for leg in own if leg["agency"] == agency
            )
    return {name: _line(*members) for name, members in groups.items()}


def _line(members: list[Raw], pairs: list[tuple[Raw, Raw]]) -> Line:
    states = [leg["state"] for _, leg in pairs]
    waits: dict[str, list[timedelta]] = {stage: [] for stage in STAGES}
    for member in members:
        if member["first_known_at"]:
            waits["first_known_to_accepted"].append(
                member["accepted_at"] - member["first_known_at"]
            )
    for referral, leg in pairs:
        for stage, wait in _waits(referral, leg).items():
            waits[stage].append(wait)
    return {
        "referrals": {
            "referrals": len(members),
            "unrouted": sum(member["state"] == "accepted" for member in members),
            "rejected": sum(member["state"] == "rejected" for member in members),
            "unroutable": sum(member["state"] == "unroutable" for member in members),
        },
        "legs": {
            "legs": len(pairs),
            "sent_on": sum(leg["before"] in ("returned", "recalled") for _, leg in pairs),
            **{
                state: states.count(state)
                for state in ("held", "undeliverable", "returned", "recalled")
            },
        },
        "stages": {stage: _spread(found) for stage, found in waits.items()},
        "deadlines": {
            milestone: {
                verdict: [_verdict(leg, milestone) for _, leg in pairs].count(verdict)
                for verdict in VERDICTS
            }
            for milestone in MET
        },
    }


def _waits(raw: Raw, leg: Raw) -> dict[str, timedelta]:
    begun = max(raw["accepted_at"], leg["clock_start"])
    collected, taken, decided = (leg[name] for name in MET.values())
    found = {}
    if leg["state"] != "held" and (leg["state"] != "recalled" or collected):
        found["accepted_to_available"] = leg["available_at"] - begun
    for stage, start, end in (
        ("available_to_collected", leg["available_at"], collected),
        ("collected_to_acknowledged", collected, taken),
        ("acknowledged_to_decided", taken, decided),
        ("accepted_to_acknowledged", begun, taken),
        ("accepted_to_decided", begun, decided),
    ):
        if start and end:
            found[stage] = end - start
    return found


def _verdict(leg: Raw, milestone: str) -> str:
    due, met = leg[f"{milestone}_by"], leg[MET[milestone]]
    if due is None:
        return "without"
    if met is not None:
        return "in_time" if met <= due else "late"
    if leg["state"] == "recalled":
        return "ended"
    if leg["state"] in ("returned", "handed_over"):
        return "late" if leg["returned_at"] > due else "ended"
    return "overdue" if due < NOW else "open"


def _spread(found: list[timedelta]) -> tuple[int, timedelta | None, timedelta | None]:
    ordered = sorted(found)
    if not ordered:
        return 0, None, None
    median, p90 = (ordered[ceil(len(ordered) * part) - 1] for part in (0.5, 0.9))
    return len(ordered), median, p90


def plain(figures: Figures) -> Line:
    return {
        "referrals": figures.referrals,
        "legs": figures.legs,
        "stages": {
            name: (spread.count, spread.median, spread.p90)
            for name, spread in figures.stages.items()
        },
        "deadlines": {str(milestone): counts for milestone, counts in figures.deadlines.items()},
    }
