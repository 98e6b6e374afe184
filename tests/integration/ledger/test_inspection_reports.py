"""The reports for inspectors against the same counts in plain Python, over random histories."""

import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest

from broker.admin.inspection_report import REPORTS
from broker.ledger.inspection_reports import Tally
from tests.integration.ledger.conftest import NOW, POLICE, SHROPSHIRE, STOKE, Book

SINCE, UNTIL = NOW - timedelta(days=90), NOW + timedelta(days=1)
BANDS = (
    (24, "within_24_hours"),
    (168, "within_7_days"),
    (336, "within_14_days"),
    (720, "within_30_days"),
)
FACTS = ("age", "sex", "ethnicity", "disability", "language", "status", "voice")
REASONS = ("not_mentioned", "not_asked", "refused", "not_yet_known")
LADO, HOUR = "stoke-lado", timedelta(hours=1)
AGENCIES = (STOKE, SHROPSHIRE, LADO)
UNITS = ("Online team", "ONLINE TEAM", "Hub", None)
Row = dict[str, Any]
Thing = tuple[Row, str | None, str, str]


def later(chance: random.Random, start: datetime) -> datetime:
    return start + timedelta(hours=chance.choice((1, 24, 25, 168, 169, 336, 337, 720, 721)))


def referral(chance: random.Random, number: int) -> Row:
    accepted_at = NOW - timedelta(hours=chance.randint(0, 2400))
    state = chance.choice(("routed", "routed", "closed", "rejected", "accepted"))
    was_routed = state == "routed" or (state == "closed" and chance.random() < 0.8)
    known = accepted_at - timedelta(hours=chance.choice((0, 24, 25, 168, 400, 800)))
    was_recalled = state == "closed" and chance.random() < 0.5
    return {
        "id": UUID(int=chance.getrandbits(128)),
        **{"publisher": chance.choice((POLICE, STOKE)), "reference": f"REPORT/{number}"},
        **{"digest": bytes(32), "state": state, "accepted_at": accepted_at},
        "first_known_at": chance.choice((None, known, known)),
        "grade": chance.choice(("high", "low", None)),
        "routed_at": accepted_at if was_routed else None,
        "closed_at": NOW if state == "closed" else None,
        "recalled_at": NOW if was_recalled else None,
        "recall_reason": "wrong_person" if was_recalled else None,
        "recalled_by": "DS Farlow" if was_recalled else None,
        "version": chance.choice((1, 1, 2)),
        "profile": json.dumps(profile(chance)) if chance.random() < 0.9 else None,
    }


def profile(chance: random.Random) -> Row:
    """Return what routing would keep of invented children, each named with what is not known."""
    children = [f"c{number}" for number in range(chance.randint(0, 3))]
    lacks: dict[str, Counter[str]] = {}
    for _ in children:
        for fact in chance.sample(FACTS, 3):
            lacks.setdefault(fact, Counter())[chance.choice(REASONS)] += 1
    return {
        **{"unit": chance.choice(UNITS) or "", "children": len(children), "lacks": lacks},
        "missing": [child for child in children if chance.random() < 0.4],
    }


def delivery(chance: random.Random, of: Row) -> Row:
    state = chance.choice(("available", "collected", "acknowledged", "decided"))
    sent_on_at = NOW - HOUR if state == "decided" and chance.random() < 0.5 else None
    available = of["accepted_at"] + timedelta(hours=chance.choice((0, 0, 200)))
    times: list[datetime | None] = [None, None, None]
    at = of["accepted_at"]
    for place in range(("available", "collected", "acknowledged", "decided").index(state)):
        at = times[place] = later(chance, at)
    if state == "acknowledged" and chance.random() < 0.3:
        state, sent_on_at = "handed_over", NOW - HOUR
    elif state == "acknowledged" and chance.random() < 0.3:
        state = "returned"
    return {
        **{
            "sent_on_at": sent_on_at,
            "returned_at": NOW if state in ("handed_over", "returned") else None,
        },
        "id": UUID(int=chance.getrandbits(128)),
        **{"referral": of["id"], "agency": chance.choice(AGENCIES), "state": state},
        **{"channel": "mailbox", "role": chance.choice(("lead", "copy"))},
        **{"policy_row": "r", "view": "v"},
        **{"available_at": available, "clock_start": of["accepted_at"]},
        **dict(zip(("collected_at", "acknowledged_at", "decided_at"), times, strict=True)),
    }


def answers(chance: random.Random, of: Row) -> Iterator[Row]:
    """Return decisions, those of a team that had handed over before included."""
    count = chance.randint(1, 3) if of["state"] in ("decided", "handed_over") else 0
    for number in range(1, count + 1):
        is_late = of["state"] == "handed_over" or number > 1
        at = NOW if is_late else NOW - 2 * HOUR
        yield {
            **{"delivery": of["id"], "stage": "decided", "number": number, "at": at},
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
        officer = {"code": LADO, "name": "Officer", "kind": "lado", "channel": "mailbox"}
        insert(connection, "organisation", officer)
        for number in range(60):
            of = insert(connection, "referral", referral(chance, number))
            of["has_defects"] = chance.random() < 0.5
            if of["has_defects"]:
                defects = json.dumps([{"code": "missing-voice"}])
                insert(connection, "referral_finding", {"referral": of["id"], "defects": defects})
            of["corrected_at"] = later(chance, of["accepted_at"]) if of["version"] == 2 else None
            if of["corrected_at"]:
                row = {"referral": of["id"], "version": 2, "digest": bytes(32), "actor": "key:x"}
                insert(connection, "correction", {**row, "accepted_at": of["corrected_at"]})
            of["deliveries"] = []
            for _ in range(chance.randint(0, 3)):
                part = insert(connection, "delivery", delivery(chance, of))
                part["scope"] = [f"c{child}" for child in range(3) if chance.random() < 0.5]
                scope = json.dumps({"children": part["scope"], "persons": []})
                insert(
                    connection,
                    "delivery_reason",
                    {"delivery": part["id"], "scope": scope, "explanation": "{}"},
                )
                part["answers"] = [
                    insert(connection, "answer", row) for row in answers(chance, part)
                ]
                of["deliveries"].append(part)
            rows.append(of)
    return [row for row in rows if SINCE <= row["accepted_at"] < UNTIL]


def tallies(things: Iterator[Thing], force: str | None = None) -> list[Tally]:
    """Count each thing as a whole and in every group that it belongs to."""
    counted: Counter[tuple[str, str, str, str, str]] = Counter()
    for of, agency, what, name in things:
        if force not in (None, of["publisher"]):
            continue
        month = of["accepted_at"].astimezone(ZoneInfo("Europe/London")).strftime("%Y-%m")
        unit = f"{of['publisher']}/{known_of(of)['unit'].capitalize()}"
        groups = [("all", "", ""), ("month", month, ""), ("grade", of["grade"] or "", "")]
        for by, which in (("force", of["publisher"]), ("unit", unit), ("agency", agency)):
            groups += [(by, which, ""), (by, which, month)] if which else []
        counted.update((*group, what, name) for group in groups)
    return sorted(Tally(*key, count) for key, count in counted.items())


def known_of(of: Row) -> Row:
    """Return what was kept of a referral."""
    stored: Row = json.loads(of["profile"]) if of["profile"] else {"unit": "", "missing": []}
    return stored


def spelt_alike(counted: list[Tally]) -> list[Tally]:
    """Return the same with each unit written one way: which spelling is shown is not counted."""
    return sorted(
        replace(
            tally, of="/".join((tally.of.partition("/")[0], tally.of.split("/")[1].capitalize()))
        )
        if tally.by == "unit"
        else tally
        for tally in counted
    )


def promptness(rows: list[Row]) -> Iterator[Thing]:
    for of in rows:
        leads = [part for part in of["deliveries"] if has_it(part)]
        for what in ("collected", "acknowledged"):
            at = min((part[f"{what}_at"] for part in leads if part[f"{what}_at"]), default=None)
            yield of, None, what, band(of["first_known_at"], at)
        yield of, None, "handed_in", band(of["first_known_at"], of["accepted_at"])


def has_it(part: Row) -> bool:
    """Tell whether an agency leads, and has not given its part back."""
    return part["role"] == "lead" and part["state"] != "returned"


def band(known: datetime | None, at: datetime | None) -> str:
    if known is None or at is None:
        return "not_yet" if known else "first_known_not_said"
    hours = (at - known) / timedelta(hours=1)
    return next((name for limit, name in BANDS if hours <= limit), "later")


def voice(rows: list[Row]) -> Iterator[Thing]:
    for of in rows:
        kept = known_of(of)
        for fact in FACTS if of["routed_at"] and of["profile"] else ():
            what = "missing_status" if fact == "status" else fact
            lacks = [*Counter(kept["lacks"].get(fact, {})).elements()]
            rest = kept["children"] - len(lacks)
            for name in [*lacks, *(["heard" if fact == "voice" else "known"] * rest)]:
                yield of, None, what, name


def missing(rows: list[Row]) -> Iterator[Thing]:
    for of in rows:
        for child in known_of(of)["missing"]:
            yield of, None, "known", "all"
            taken = [
                part
                for part in of["deliveries"]
                if has_it(part) and part["agency"] != LADO and child in part["scope"]
            ]
            for what, column in (("shared", "available_at"), ("acknowledged", "acknowledged_at")):
                at = min((part[column] for part in taken if part[column]), default=None)
                yield of, None, what, band(of["first_known_at"], at) if at else "not_yet"


def quality(rows: list[Row]) -> Iterator[Thing]:
    for of in rows:
        late = of["corrected_at"] and of["corrected_at"] - of["accepted_at"] > timedelta(hours=24)
        traits = {
            "all": True,
            "rejected": of["state"] == "rejected"
            or (of["state"] == "closed" and not of["routed_at"] and not of["recalled_at"]),
            "recalled": of["recalled_at"],
            "corrected": of["version"] > 1,
            "corrected_late": late,
            "with_defects": of["has_defects"],
        }
        yield from ((of, None, "referral", name) for name, holds in traits.items() if holds)


def decisions(rows: list[Row]) -> Iterator[Thing]:
    for of in rows:
        for part in of["deliveries"]:
            over_at = part["sent_on_at"]
            made = [each for each in part["answers"] if not over_at or each["at"] <= over_at]
            if not made:
                continue
            last = made[-1]
            outcomes = {answer["outcome"] for answer in made}
            yield of, part["agency"], "outcome", last["outcome"]
            yield of, part["agency"], "changed", "yes" if len(outcomes) > 1 else "no"
            for what in ("views_considered", "child_told"):
                yield of, part["agency"], what, last[what] or "not_said"


COUNTS = {
    **{"promptness": promptness, "voice": voice, "missing": missing},
    **{"quality": quality, "decisions": decisions},
}


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("seed", range(3))
def test_every_figure_is_what_a_recount_gives(book: Book, seed: int, name: str) -> None:
    rows = history(book.dsn, seed)
    assert len(rows) > 40
    count = REPORTS[name]
    counted = count(book.ledger.inspection_reports, SINCE, UNTIL, None)
    assert spelt_alike(counted) == tallies(COUNTS[name](rows))
    assert {tally.by for tally in counted} >= {"all", "force", "unit", "grade", "month"}
    of_stoke = count(book.ledger.inspection_reports, SINCE, UNTIL, STOKE)
    assert spelt_alike(of_stoke) == tallies(COUNTS[name](rows), STOKE)
    assert {tally.of for tally in of_stoke if tally.by == "force"} == {STOKE}


def test_units_that_differ_in_case_are_one(book: Book) -> None:
    chance = random.Random(1)
    with psycopg.connect(book.dsn) as connection:
        for number, unit in enumerate(("Hub", "HUB")):
            row = referral(chance, number) | {"publisher": POLICE, "accepted_at": NOW}
            kept = json.dumps({"unit": unit, "children": 0, "lacks": {}, "missing": []})
            insert(connection, "referral", row | {"profile": kept})
    counted = book.ledger.inspection_reports.quality(SINCE, UNTIL)
    units = [tally for tally in counted if tally.by == "unit" and tally.name == "all"]
    assert [(tally.of, tally.month, tally.count) for tally in units] == [
        (f"{POLICE}/HUB", "", 2),
        (f"{POLICE}/HUB", NOW.strftime("%Y-%m"), 2),
    ]


def test_a_refused_body_counts_without_a_grade_and_a_unit(book: Book) -> None:
    row = {"publisher": POLICE, "digest": bytes(32), "size": 9, "reason": "x", "at": NOW}
    with psycopg.connect(book.dsn) as connection:
        insert(connection, "refusal", row)
    month = NOW.strftime("%Y-%m")
    assert book.ledger.inspection_reports.quality(SINCE, UNTIL) == [
        Tally(by, of, in_month, "body", "refused", 1)
        for by, of, in_month in (
            *(("all", "", ""), ("force", POLICE, ""), ("force", POLICE, month)),
            *(("grade", "", ""), ("month", month, "")),
            *(("unit", f"{POLICE}/", ""), ("unit", f"{POLICE}/", month)),
        )
    ]


def test_what_was_held_returned_or_undeliverable_is_not_shared(book: Book) -> None:
    """A missing child is shared when social care can have it, and not before.

    What is recalled was held until then: it would have been offered an hour later.
    """
    chance = random.Random(1)
    with psycopg.connect(book.dsn) as connection:
        for number, state in enumerate(("held", "returned", "undeliverable", "recalled")):
            kept = {"unit": "", "children": 1, "lacks": {}, "missing": ["c0"]}
            row = referral(chance, number) | {"profile": json.dumps(kept), "accepted_at": NOW}
            insert(connection, "referral", row)
            part = delivery(chance, row) | {"state": state, "role": "lead", "agency": STOKE}
            part |= {f"{state}_at": NOW} if state != "held" else {}
            part |= {"available_at": NOW + HOUR} if state == "recalled" else {}
            insert(connection, "delivery", part)
            reason = {"delivery": part["id"], "scope": '{"children": ["c0"], "persons": []}'}
            insert(connection, "delivery_reason", reason | {"explanation": "{}"})
    counted = book.ledger.inspection_reports.missing(SINCE, UNTIL)
    assert [(tally.what, tally.name, tally.count) for tally in counted if tally.by == "all"] == [
        ("acknowledged", "not_yet", 4),
        ("known", "all", 4),
        ("shared", "not_yet", 4),
    ]
