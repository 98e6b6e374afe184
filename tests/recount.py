"""Rows of a ledger made up at random, and how docs/operations.md counts them, in plain Python.

Every state, kind and milestone, clocks that stand, deadlines that are missing.
"""

import random
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
from psycopg.rows import dict_row

from broker.ledger.monitoring import SOON
from tests.integration.ledger.conftest import NOW, POLICE, SHROPSHIRE, STOKE

AGENCIES = (STOKE, SHROPSHIRE)
STEPS = {"collect": "collected_at", "acknowledge": "acknowledged_at", "decide": "decided_at"}
MET = {"collected": 1, "acknowledged": 2, "decided": 3}
"""How many milestones somebody has met who is in this state."""
ENDED = ("decided", "returned", "recalled", "handed_over")
STATES = ("held", "available", "leased", "collected", "acknowledged", "undeliverable", *ENDED)
EDGES = (("5", 5), ("15", 15), ("30", 30), ("60", 60))
RAW = """
select 'delivery' as what, delivery.*, coalesce(effective_grade, 'unknown') as grade
from delivery join referral on referral.id = delivery.referral
"""
UNROUTABLE = """
select 'referral' as what, null as id, id as referral, state, attend_by,
       coalesce(effective_grade, 'unknown') as grade
from referral where state = 'unroutable'
"""
UNROUTED = """
select 'unrouted' as what, null as id, id as referral, state, accepted_at,
       coalesce(effective_grade, 'unknown') as grade
from referral where state = 'accepted'
"""
ROUTING, GRACE = timedelta(minutes=1), timedelta(seconds=10)
"""How long routing may take, and after what time a referral that waits for it is at risk."""
SINCE = NOW - timedelta(days=1)
Row = dict[str, Any]


def made(dsn: str, seed: int) -> list[Row]:
    """Fill the ledger at random; return every delivery, and every referral that no agency has."""
    chance = random.Random(seed)
    with psycopg.connect(dsn, row_factory=dict_row) as connection:
        earlier: list[UUID] = []
        for number in range(150):
            referral = _referral(chance, number)
            _insert(connection, "referral", referral)
            if referral["state"] in ("unroutable", "accepted"):
                continue
            for _ in range(chance.randint(1, 3)):
                delivery = _delivery(chance, referral["id"], earlier)
                _insert(connection, "delivery", delivery)
                earlier.append(delivery["id"])
        _silence(connection, SHROPSHIRE)
        rows = connection.execute(RAW).fetchall()
        without = connection.execute(UNROUTABLE).fetchall()
        return rows + without + connection.execute(UNROUTED).fetchall()


def _referral(chance: random.Random, number: int) -> Row:
    state = chance.choice(("unroutable", "accepted", *["routed"] * 16))
    accepted_at = NOW - timedelta(minutes=chance.randint(0, 7200))
    if state == "accepted":
        accepted_at = NOW - timedelta(seconds=chance.choice((1, 9, 11, 30, 59, 61, 900, 90_000)))
    return {
        "id": UUID(int=chance.getrandbits(128)),
        "publisher": POLICE,
        "reference": f"RECOUNT/{number}",
        "digest": bytes(32),
        "state": state,
        "accepted_at": accepted_at,
        "routed_at": accepted_at if state == "routed" else None,
        "effective_grade": chance.choice(("high", "low", None)),
        "reason": "no-area" if state == "unroutable" else None,
        "attend_by": _later(chance, accepted_at) if state == "unroutable" else None,
        "next_attempt_at": NOW if state == "accepted" or chance.random() < 0.1 else None,
    }


def _later(chance: random.Random, start: datetime) -> datetime:
    return start + timedelta(minutes=chance.choice((10, 60, 240, 1440, 7200)), seconds=7)


def _deadline(chance: random.Random, start: datetime) -> datetime | None:
    soon = NOW + timedelta(minutes=chance.randint(1, 20))
    return chance.choice((None, None, _later(chance, start), _later(chance, start), soon))


def _delivery(chance: random.Random, referral: UUID, earlier: list[UUID]) -> Row:
    state, start = chance.choice(STATES), NOW - timedelta(minutes=chance.randint(0, 7200))
    is_correction = bool(earlier) and chance.random() < 0.2
    row: Row = {
        "id": UUID(int=chance.getrandbits(128)),
        **{"referral": referral, "agency": chance.choice(AGENCIES), "state": state},
        "channel": chance.choice(("mailbox", "queue")),
        **{"role": "lead", "policy_row": "r", "view": "v"},
        "kind": "correction" if is_correction else "referral",
        "follows": chance.choice(earlier) if is_correction else None,
        "attempt": chance.randint(0, 2),
        **{"clock_start": start, "available_at": start},
        **{f"{step}_by": _deadline(chance, start) for step in STEPS},
    }
    met = MET.get(state, chance.randint(0, 2) if state in ENDED else 0)
    row |= {column: _later(chance, start) for column in list(STEPS.values())[:met]}
    if state in ENDED and state != "decided":
        left_at = "returned_at" if state == "handed_over" else f"{state}_at"
        row[left_at] = _later(chance, start)
    if state == "leased":
        row["lease_until"] = NOW
    if state == "available" and chance.random() < 0.3:
        row["next_attempt_at"] = NOW + timedelta(minutes=chance.choice((-5, 5)))
    if state == "undeliverable":
        row["refused_because"] = chance.choice(("too-large", "render"))
        row["undeliverable_at"] = start
    if state != "undeliverable" and chance.random() < 0.3:
        row["paused_at"] = start + timedelta(minutes=chance.randint(0, 3000))
        row["standing"] = chance.choice((["collect"], ["acknowledge", "decide"], []))
    return row


def _insert(connection: psycopg.Connection[Any], table: str, row: Row) -> None:
    names = ", ".join(row)
    values = ", ".join(f"%({name})s" for name in row)
    connection.execute(f"insert into {table} ({names}) values ({values})".encode(), row)


def _silence(connection: psycopg.Connection[Any], agency: str) -> None:
    id_ = UUID(int=1)
    connection.execute(
        "insert into escalation (id, ladder, policy_version, milestone, organisation, due_at,"
        " began_at) select %s, 'silence', version, 'silence', %s, %s, %s from policy limit 1",
        [id_, agency, NOW, NOW],
    )
    connection.execute(
        "insert into silence (escalation, activity, reason) values (%s, 'collecting', 'learned')",
        [id_],
    )


def is_open(row: Row) -> bool:
    owes_a_decision = row["kind"] == "recall" or (
        row["kind"] == "referral" and row["decide_by"] is not None
    )
    done = row["state"] == "acknowledged" and not owes_a_decision
    return row["state"] not in ENDED and not done


def stands(row: Row, step: str) -> bool:
    return step in row["standing"] and row["paused_at"] <= row[f"{step}_by"]


def unmet(row: Row) -> dict[str, datetime]:
    """Return the deadlines of what is open that run or have passed."""
    if row["what"] == "referral":
        return {"attend": row["attend_by"]}
    if row["what"] == "unrouted":
        return {"route": row["accepted_at"] + ROUTING}
    return {
        step: row[f"{step}_by"]
        for step, met_at in STEPS.items()
        if row[f"{step}_by"] and row[met_at] is None and not stands(row, step)
    }


def is_paused(row: Row) -> bool:
    """Tell whether the clock of something that an agency is asked still is paused."""
    return row["state"] != "held" and any(
        row[f"{step}_by"] and row[met_at] is None and stands(row, step)
        for step, met_at in STEPS.items()
    )


def open_rows(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["what"] != "delivery" or is_open(row)]


def is_at_risk(row: Row) -> bool:
    """Tell whether it can be at risk: nothing held, and nothing that was accepted a moment ago."""
    is_fresh = row["what"] == "unrouted" and row["accepted_at"] >= NOW - GRACE
    return row["state"] != "held" and not is_fresh


def why(row: Row, due: datetime) -> str | None:
    if due < NOW:
        return "breached"
    if due < NOW + SOON:
        return "soon"
    if row["what"] == "referral" or row["state"] == "undeliverable":
        return "trouble"
    if row["state"] == "available" and row["next_attempt_at"] and row["attempt"]:
        return "trouble"
    if row["acknowledged_at"] is None and row["agency"] == SHROPSHIRE:
        return "silent"
    return None


def band(row: Row) -> str:
    dues = unmet(row).values()
    if row["state"] == "held":
        return "held"
    if not dues:
        return "paused" if is_paused(row) else "none"
    left = min(dues) - NOW
    if left < timedelta(0):
        return "breached"
    return next((name for name, minutes in EDGES if left < timedelta(minutes=minutes)), "more")


def missed(row: Row) -> dict[str, bool]:
    """Return the milestones that were not kept since a day, or still wait; and whether they do."""
    if row["what"] == "referral":
        return {"attend": True} if row["attend_by"] < NOW else {}
    if row["what"] == "unrouted":
        return {}
    found = {}
    for step, column in STEPS.items():
        due, met = row[f"{step}_by"], row[column]
        if due is None or due >= NOW:
            continue
        waits = is_open(row) and met is None and not stands(row, step)
        if waits or (due >= SINCE and _ended_late(row, step, due, met)):
            found[step] = waits
    return found


def _ended_late(row: Row, step: str, due: datetime, met: datetime | None) -> bool:
    if met is not None:
        return met > due
    ended = row["returned_at"] or row["recalled_at"]
    return (
        row["state"] in ("returned", "recalled", "handed_over")
        and ended > due
        and not stands(row, step)
    )


def unacknowledged(rows: list[Row]) -> list[datetime]:
    return [
        row["clock_start"]
        for row in rows
        if row["acknowledged_at"] is None and row["state"] != "held"
    ]
