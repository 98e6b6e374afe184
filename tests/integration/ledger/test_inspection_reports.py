"""The reports for inspectors against the same counts in plain Python, over random histories."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest

from broker.ledger.inspection_reports import Tally
from tests.integration.ledger.conftest import NOW, POLICE, SHROPSHIRE, STOKE, Book

SINCE, UNTIL = NOW - timedelta(days=90), NOW + timedelta(days=1)
BANDS = (
    (24, "within_24_hours"),
    (168, "within_7_days"),
    (336, "within_14_days"),
    (720, "within_30_days"),
)
LACKS = {
    "missing-{}": "not_mentioned",
    "{}-not-asked": "not_asked",
    "{}-refused": "refused",
    "{}-not-yet-known": "not_yet_known",
}
FACTS = ("voice", "ethnicity", "disability", "language", "status")
CODES = {lack.format(fact): (fact, name) for fact in FACTS for lack, name in LACKS.items()}
Row = dict[str, Any]
Thing = tuple[Row, str | None, str, str]


def later(chance: random.Random, start: datetime) -> datetime:
    return start + timedelta(hours=chance.choice((1, 24, 25, 168, 169, 336, 337, 720, 721)))


def referral(chance: random.Random, number: int) -> Row:
    accepted_at = NOW - timedelta(hours=chance.randint(0, 2400))
    state = chance.choice(("routed", "routed", "closed", "rejected", "accepted"))
    was_routed = state == "routed" or (state == "closed" and chance.random() < 0.8)
    known = accepted_at - timedelta(hours=chance.choice((0, 24, 25, 168, 400, 800)))
    return {
        "id": UUID(int=chance.getrandbits(128)),
        **{"publisher": chance.choice((POLICE, STOKE)), "reference": f"REPORT/{number}"},
        **{"digest": bytes(32), "state": state, "accepted_at": accepted_at},
        "first_known_at": chance.choice((None, known, known)),
        "grade": chance.choice(("high", "low", None)),
        "routed_at": accepted_at if was_routed else None,
        "closed_at": NOW if state == "closed" else None,
        "version": chance.choice((1, 1, 2)),
    }


def delivery(chance: random.Random, of: Row) -> Row:
    state = chance.choice(("available", "collected", "acknowledged", "decided"))
    times: list[datetime | None] = [None, None, None]
    at = of["accepted_at"]
    for place in range(("available", "collected", "acknowledged", "decided").index(state)):
        at = times[place] = later(chance, at)
    return {
        "id": UUID(int=chance.getrandbits(128)),
        **{"referral": of["id"], "agency": chance.choice((STOKE, SHROPSHIRE)), "state": state},
        **{"channel": "mailbox", "role": chance.choice(("lead", "copy"))},
        **{"policy_row": "r", "view": "v"},
        **{"available_at": of["accepted_at"], "clock_start": of["accepted_at"]},
        **dict(zip(("collected_at", "acknowledged_at", "decided_at"), times, strict=True)),
    }


def answers(chance: random.Random, of: Row) -> Iterator[Row]:
    for number in range(1, chance.randint(1, 3) + 1) if of["state"] == "decided" else ():
        yield {
            **{"delivery": of["id"], "stage": "decided", "number": number, "at": NOW},
            **{"given_by": "A. Person", "outcome": chance.choice(("advice", "assessment"))},
            "views_considered": chance.choice((None, "yes", "no", "not_applicable")),
            "child_told": chance.choice((None, "yes", "not_yet")),
        }


def insert(connection: psycopg.Connection[Any], table: str, row: Row) -> Row:
    names, values = ", ".join(row), ", ".join(f"%({name})s" for name in row)
    connection.execute(f"insert into {table} ({names}) values ({values})".encode(), row)
    return row


def history(dsn: str, seed: int) -> list[Row]:
    """Fill the ledger at random; return the referrals with all that belongs to them."""
    chance, rows = random.Random(seed), []
    with psycopg.connect(dsn) as connection:
        for number in range(60):
            of = insert(connection, "referral", referral(chance, number))
            of["codes"] = chance.sample(sorted(CODES), chance.randint(0, 4))
            if of["codes"]:
                defects = json.dumps([{"code": code} for code in of["codes"]])
                insert(connection, "referral_finding", {"referral": of["id"], "defects": defects})
            of["corrected_at"] = later(chance, of["accepted_at"]) if of["version"] == 2 else None
            if of["corrected_at"]:
                row = {"referral": of["id"], "version": 2, "digest": bytes(32), "actor": "key:x"}
                insert(connection, "correction", {**row, "accepted_at": of["corrected_at"]})
            of["deliveries"] = []
            for _ in range(chance.randint(0, 3)):
                part = insert(connection, "delivery", delivery(chance, of))
                part["answers"] = [
                    insert(connection, "answer", row) for row in answers(chance, part)
                ]
                of["deliveries"].append(part)
            rows.append(of)
    return [row for row in rows if SINCE <= row["accepted_at"] < UNTIL]


def tallies(things: Iterator[Thing]) -> list[Tally]:
    """Count each thing as a whole and in every group that it belongs to."""
    counted: Counter[tuple[str, str, str, str]] = Counter()
    for of, agency, what, name in things:
        month = of["accepted_at"].astimezone(ZoneInfo("Europe/London")).strftime("%Y-%m")
        groups = [("all", ""), ("force", of["publisher"]), ("month", month)]
        groups += [("grade", of["grade"] or "")] + ([("agency", agency)] if agency else [])
        counted.update((*group, what, name) for group in groups)
    return sorted(Tally(*key, count) for key, count in counted.items())


def promptness(rows: list[Row]) -> Iterator[Thing]:
    for of in rows:
        leads = [part for part in of["deliveries"] if part["role"] == "lead"]
        for what in ("collected", "acknowledged"):
            at = min((part[f"{what}_at"] for part in leads if part[f"{what}_at"]), default=None)
            yield of, None, what, band(of["first_known_at"], at)
        yield of, None, "handed_in", band(of["first_known_at"], of["accepted_at"])


def band(known: datetime | None, at: datetime | None) -> str:
    if known is None or at is None:
        return "not_yet" if known else "first_known_not_said"
    hours = (at - known) / timedelta(hours=1)
    return next((name for limit, name in BANDS if hours <= limit), "later")


def voice(rows: list[Row]) -> Iterator[Thing]:
    for of in rows:
        for fact in FACTS if of["routed_at"] else ():
            lacks = {CODES[code][1] for code in of["codes"] if CODES[code][0] == fact}
            what = "missing_status" if fact == "status" else fact
            yield from ((of, None, what, name) for name in lacks or {"known"})


def quality(rows: list[Row]) -> Iterator[Thing]:
    for of in rows:
        late = of["corrected_at"] and of["corrected_at"] - of["accepted_at"] > timedelta(hours=24)
        traits = {
            "all": True,
            "rejected": of["state"] in ("rejected", "closed") and of["routed_at"] is None,
            "corrected": of["version"] > 1,
            "corrected_late": late,
            "with_defects": of["codes"],
        }
        yield from ((of, None, "referral", name) for name, holds in traits.items() if holds)


def decisions(rows: list[Row]) -> Iterator[Thing]:
    for of in rows:
        for part in of["deliveries"]:
            if not part["answers"]:
                continue
            last = part["answers"][-1]
            outcomes = {answer["outcome"] for answer in part["answers"]}
            yield of, part["agency"], "outcome", last["outcome"]
            yield of, part["agency"], "changed", "yes" if len(outcomes) > 1 else "no"
            for what in ("views_considered", "child_told"):
                yield of, part["agency"], what, last[what] or "not_said"


@pytest.mark.parametrize("seed", range(3))
def test_every_figure_is_what_a_recount_gives(book: Book, seed: int) -> None:
    rows = history(book.dsn, seed)
    assert len(rows) > 40
    counted = book.ledger.inspection_reports
    assert counted.promptness(SINCE, UNTIL) == tallies(promptness(rows))
    assert counted.voice(SINCE, UNTIL) == tallies(voice(rows))
    assert counted.quality(SINCE, UNTIL) == tallies(quality(rows))
    assert counted.decisions(SINCE, UNTIL) == tallies(decisions(rows))


def test_a_refused_body_counts_without_a_grade(book: Book) -> None:
    row = {"publisher": POLICE, "digest": bytes(32), "size": 9, "reason": "x", "at": NOW}
    with psycopg.connect(book.dsn) as connection:
        insert(connection, "refusal", row)
    assert book.ledger.inspection_reports.quality(SINCE, UNTIL) == [
        Tally(by, of, "body", "refused", 1)
        for by, of in (
            *(("all", ""), ("force", POLICE)),
            *(("grade", ""), ("month", NOW.strftime("%Y-%m"))),
        )
    ]
