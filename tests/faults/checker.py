"""The checker: it knows what clients were told, and what must hold; it shares no code with the
product, and looks into the tables only as its last witness.

One function for each invariant of the reliability catalogue; each returns what is wrong.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import median
from typing import Any

from tests.faults.documents import AGENCIES
from tests.faults.evidence import Evidence
from tests.faults.journal import HandedIn, Journal, Offered
from tests.faults.recall_rules import recalls_hold, who_had_it_destroys_it
from tests.faults.witness import Ledger, Row

RECOVERY_SECONDS = 30.0
"""I8: after the last fault everything that agencies collect comes to rest within so long, on a
machine that has nothing else to do."""
ROUTED_SECONDS = 3.0
"""With nothing broken and the sweeps held, referrals are routed so soon after their receipts: it is
the wake-ups that do it."""
SWEPT_SECONDS = 6.0
"""However crowded the machine is: each sweep is held for 10 s, and the second one finds it."""
HANG_SECONDS = 29.0
"""A call that a patient client gave up on after so long hung: an answer of the ledger's may take
20 s, a connection to it 5 s more, and every other step less."""
MOST_OFFERS = 40
"""I8: no delivery is offered more often, whatever happened: that would be a storm."""
BREACH_SECONDS = 45.0
"""I6: a deadline that passed so long ago has been told, whatever broke meanwhile."""
TOLD_SECONDS = 75.0
"""I8: a gateway looks every 5 s, and raises the alarm when nobody has worked for a minute."""
OVER_SECONDS = 60.0
"""I8: so soon after the workers' return the outage is over, their start included."""
CALLS_A_SECOND = 200
"""I7: what one key may, as docs/operations.md says."""
COLUMNS = ("collect_by", "acknowledge_by", "decide_by")
NOTICES = {"notice_sent", "notice_failed", "notice_dropped"}
HIDDEN = {"delivery.leased", "delivery.lapsed", "delivery.deferred", "delivery.sent"}
"""How an agency is reached is not its publisher's business."""

_ANSWERS = {"collected", "acknowledged", "decided", "returned"}
_OPEN = {"leased", "refused", "recalled", *_ANSWERS}
STEPS: dict[str, set[str]] = {
    "": {"held", "available"},
    "held": {"available", "recalled"},
    "available": _OPEN,
    "leased": {"lapsed", "deferred", "sent", "refused", "recalled", *_ANSWERS},
    "sent": {"lapsed", "refused", "recalled", *_ANSWERS},
    "lapsed": _OPEN,
    "deferred": _OPEN,
    "collected": {"acknowledged", "decided", "returned", "recalled"},
    "acknowledged": {"decided", "returned", "recalled"},
    "decided": {"decided"},
    "returned": set(),
    "refused": {"recalled"},
    "recalled": set(),
}
"""I5: what may follow what in a delivery's history, as docs/architecture.md draws it."""
_STATES = {
    "held": "held",
    "available": "available",
    "leased": "leased",
    "sent": "leased",
    "lapsed": "available",
    "deferred": "available",
    "refused": "undeliverable",
    **{stage: stage for stage in _ANSWERS},
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold."""

    invariant: str
    what: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.what}"


def check(journal: Journal, ledger: Ledger) -> list[Finding]:
    """Return everything that is wrong; an empty list is a run that nobody can complain of."""
    return [
        Finding(invariant, what)
        for invariant, rule in RULES
        for what in rule(Evidence(journal, ledger))
    ]


# I1


def no_loss(seen: Evidence) -> Iterator[str]:
    """Whatever a receipt was given for is there, and has a delivery for each child's area."""
    for id_, receipt in seen.receipts.items():
        row = seen.referrals.get(id_)
        if row is None:
            yield f"{receipt.reference} had receipt {id_}, which the ledger does not know"
        elif (row["publisher"], row["reference"]) != (receipt.publisher, receipt.reference):
            yield f"{receipt.reference} had the receipt of {row['reference']}"
        elif row["state"] == "accepted":
            yield f"{receipt.reference} was accepted and is still not routed"
        elif receipt.variant.startswith("x"):
            if row["state"] not in {"rejected", "closed"}:
                yield f"{receipt.reference} is faulty and {row['state']}"
        else:
            yield from _unowned(seen, receipt, id_)


def _unowned(seen: Evidence, receipt: HandedIn, id_: str) -> Iterator[str]:
    first = Counter(
        row["agency"]
        for row in seen.of_referral[id_]
        if row["replaces"] is None and row["kind"] == "referral"
    )
    if not first and seen.was_recalled(id_):
        return  # it was recalled before it was routed
    if first != Counter(AGENCIES[area] for area in receipt.areas):
        yield f"{receipt.reference} for {receipt.areas} went to {dict(first)}"


def nothing_taken_is_forgotten(seen: Evidence) -> Iterator[str]:
    """What was decided according to the ledger was offered to its agency before."""
    offered = {offer.delivery for offer in seen.journal.offered}
    offered |= {asked.delivery for asked in seen.journal.destroyed}
    unseen = {
        (answer.agency, answer.delivery)
        for answer in seen.journal.answered
        if answer.result is None
    }
    for row in seen.ledger.deliveries:
        told = row["id"] in offered or (row["agency"], row["id"]) in unseen
        if row["state"] in {"decided", "collected", "acknowledged"} and not told:
            yield f"delivery {row['id']} is {row['state']}, and {row['agency']} never saw it"


# I2


def no_invention(seen: Evidence) -> Iterator[str]:
    """What is offered was handed in, and goes to whoever is responsible, with its part alone."""
    for offer in seen.journal.offered:
        papers = seen.papers.get((offer.publisher, offer.reference), [])
        same = [paper for paper in papers if paper.variant == offer.variant]
        if not same:
            yield f"delivery {offer.delivery} holds variant {offer.variant}, which nobody handed in"
        elif all(paper.status in {409, 413, 422} for paper in same):
            yield f"delivery {offer.delivery} holds variant {offer.variant}, which was refused"
        else:
            yield from _misdelivered(seen, offer, same[0])


def _misdelivered(seen: Evidence, offered: Offered, paper: HandedIn) -> Iterator[str]:
    row = seen.deliveries.get(offered.delivery)
    if row is None:
        yield f"delivery {offered.delivery} was offered, and the ledger does not know it"
        return
    if row["replaces"] is None:
        expected = tuple(area for area in paper.areas if AGENCIES[area] == offered.agency)
    else:
        expected = offered.areas if _was_sent_here(seen, row, offered.agency) else ()
    if offered.areas != expected or not set(offered.areas) <= set(paper.areas) or not offered.areas:
        yield (
            f"{offered.agency} was offered children of {offered.areas} in {offered.reference},"
            f" where {expected} are its own"
        )


def _was_sent_here(seen: Evidence, row: Row, agency: str) -> bool:
    """Say whether who returned the delivery before named this agency's area, or ops the agency."""
    return any(
        redirect.delivery == row["replaces"] and redirect.agency == agency
        for redirect in seen.journal.redirected
    ) or any(
        answer.delivery == row["replaces"]
        and answer.stage == "returned"
        and AGENCIES.get(answer.area or "") == agency
        for answer in seen.journal.answered
    )


def only_ones_own(seen: Evidence) -> Iterator[str]:
    """Nobody gets anything out of another agency's delivery, or of one that does not exist."""
    for answer in seen.journal.answered:
        row = seen.deliveries.get(answer.delivery)
        theirs = row is not None and row["agency"] == answer.agency
        if not theirs and answer.result not in {"not_found", None}:
            yield f"{answer.agency} answered {answer.delivery}, not its own, with {answer.result}"


# I3


def one_outcome(seen: Evidence) -> Iterator[str]:
    """Each stage of a delivery is recorded once, and a decision again only with another outcome."""
    answers = [answer for answer in seen.journal.answered if answer.result == "recorded"]
    same = Counter((answer.delivery, answer.stage, answer.outcome) for answer in answers)
    for (delivery, stage, _), count in same.items():
        if count > 1:
            yield f"{stage} of {delivery} was recorded {count} times"
    recorded = Counter((answer.delivery, answer.stage) for answer in answers)
    for delivery in {delivery for delivery, _ in recorded}:
        ends = [stage for stage in ("decided", "returned") if recorded[delivery, stage]]
        if len(ends) > 1:
            yield f"delivery {delivery} ended twice: {ends}"


def one_identity(seen: Evidence) -> Iterator[str]:
    """A delivery bears the same id, content and agency however often it is offered."""
    about: dict[str, set[tuple[Any, ...]]] = defaultdict(set)
    ids: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for offer in seen.journal.offered:
        about[offer.delivery].add((offer.agency, offer.referral, offer.variant, offer.areas))
        row = seen.deliveries.get(offer.delivery)
        ids[offer.agency, offer.referral, str(row and row["replaces"])].add(offer.delivery)
    yield from (f"{id_} was offered as {told}" for id_, told in about.items() if len(told) > 1)
    yield from (f"{who} was offered as {told}" for who, told in ids.items() if len(told) > 1)


def lost_leases(seen: Evidence) -> Iterator[str]:
    """Whoever answers under a lease after another one was given is told that it is lost."""
    offers: dict[str, list[Offered]] = defaultdict(list)
    for offer in seen.journal.offered:
        offers[offer.delivery].append(offer)
    for answer in seen.journal.answered:
        if answer.lease is None or answer.result not in {"recorded", "already"}:
            continue
        mine = [offer for offer in offers[answer.delivery] if offer.lease == answer.lease]
        later = [
            offer
            for offer in offers[answer.delivery]
            if mine and offer.attempt > mine[0].attempt and offer.told_at < answer.sent_at
        ]
        if later:
            yield (
                f"{answer.stage} of {answer.delivery} was {answer.result} under the lease of"
                f" attempt {mine[0].attempt}, after attempt {later[-1].attempt} was offered"
            )


# I4


def honest_receipts(seen: Evidence) -> Iterator[str]:
    """The same document gets the same receipt; another one under its reference gets none."""
    for (_, reference), papers in seen.papers.items():
        told: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
        for paper in papers:
            if paper.receipt is not None:
                receipt = paper.receipt
                # What was rejected is judged anew when it is handed in again, from a new instant.
                faulty = paper.variant.startswith("x")
                accepted_at = "" if faulty else receipt["accepted_at"]
                told[paper.variant].add((receipt["id"], accepted_at, receipt["digest"]))
        for variant, receipts in told.items():
            if len(receipts) > 1:
                yield f"{reference} [{variant}] had {len(receipts)} receipts: {sorted(receipts)}"
        sound = sorted(variant for variant in told if not variant.startswith("x"))
        if len(sound) > 1:
            yield f"{reference} was accepted with different contents: {sound}"
        if any(variant.startswith("p") for variant in told):
            yield f"{reference} may not be carried and was accepted"


@dataclass(frozen=True, slots=True)
class _Told:
    """What an agency was last told of a stage of a delivery, and what may have become of it since.

    ``already`` tells as much as ``recorded``: an answer may be lost and its repetition answered.
    """

    agency: str
    at: float
    outcomes: tuple[str | None, ...]
    """What it was told is recorded, then what it sent since and heard nothing of."""


def _last_told(seen: Evidence) -> dict[tuple[str, str], _Told]:
    """Return what agencies were last told, by delivery and stage."""
    last: dict[tuple[str, str], _Told] = {}
    for answer in sorted(seen.journal.answered, key=lambda answer: answer.told_at):
        key = (answer.delivery, answer.stage)
        if answer.result in ("recorded", "already"):
            last[key] = _Told(answer.agency, answer.told_at, (answer.outcome,))
        elif answer.result is None and key in last and answer.agency == last[key].agency:
            outcomes = (*last[key].outcomes, answer.outcome)
            last[key] = replace(last[key], outcomes=outcomes)
    return last


def honest_results(seen: Evidence) -> Iterator[str]:
    """What an agency was last told is recorded stands in the ledger as it was given."""
    for (delivery, stage), told in _last_told(seen).items():
        kept = seen.answers.get((delivery, stage))
        if kept is None:
            yield f"{stage} of {delivery} was recorded, and is not there"
        elif kept["outcome"] not in told.outcomes:
            yield f"{delivery} was decided {told.outcomes[0]}, and says {kept['outcome']}"


def honest_answers(seen: Evidence) -> Iterator[str]:
    """Publishers are shown what agencies were told before they asked."""
    told = _last_told(seen)
    for status in seen.journal.shown:
        if status.status != 200 or status.value is None:
            yield f"referral {status.referral} was accepted, and is shown with {status.status}"
            continue
        for delivery in status.value["deliveries"]:
            last = told.get((delivery["id"], "decided"))
            if last and last.at < status.asked_at and delivery["outcome"] not in last.outcomes:
                shown = delivery["outcome"]
                yield f"{delivery['id']} was decided {last.outcomes[0]}, shown {shown}"


def honest_errors(seen: Evidence) -> Iterator[str]:
    """Nobody is told that something went wrong which nobody planned."""
    counts = Counter(call.path for call in seen.journal.called if call.status == 500)
    yield from (f"{path} answered 500 {count} times" for path, count in counts.items())


def honest_notices(seen: Evidence) -> Iterator[str]:
    """A mail that is recorded as sent was given to the mail server."""
    given = set(seen.journal.mails)
    yield from (
        f"notice {notice['id']} is recorded as sent, and no mail server has it"
        for notice in seen.ledger.notices
        if notice["channel"] == "email" and notice["state"] == "sent" and notice["id"] not in given
    )


# I5


def whole_history(seen: Evidence) -> Iterator[str]:
    """Each delivery's events are a way through the table of steps, and end where it stands."""
    history: dict[str, list[Row]] = defaultdict(list)
    for event in seen.ledger.events:
        if event["delivery"] is not None:
            history[event["delivery"]].append(event)
    for id_, row in seen.deliveries.items():
        yield from _walk(id_, row, history[id_], is_recalled=seen.was_recalled(row["referral"]))


def _walk(id_: str, row: Row, events: Sequence[Row], *, is_recalled: bool) -> Iterator[str]:
    at, attempt = "", 0
    for event in events:
        step = event["kind"].removeprefix("delivery.")
        if step not in STEPS:
            continue  # says something of it and moves it nowhere
        if step not in STEPS[at] or (step == "recalled" and at != "refused" and not is_recalled):
            yield f"delivery {id_}: {step} after {at or 'nothing'}"
        told = event["data"].get("attempt", attempt)
        if told != attempt + (step == "leased"):
            yield f"delivery {id_}: {step} of attempt {told} after attempt {attempt}"
        at, attempt = step, told
    if _STATES.get(at, at) != row["state"]:
        yield f"delivery {id_} is {row['state']}, its history ends with {at or 'nothing'}"
    if attempt != row["attempt"]:
        yield f"delivery {id_} had {row['attempt']} attempts, its history tells of {attempt}"


def whole_referrals(seen: Evidence) -> Iterator[str]:
    """Each referral was accepted once, and routed once under one version of the policy."""
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    versions: dict[str, set[str]] = defaultdict(set)
    for event in seen.ledger.events:
        kinds[event["referral"]][event["kind"]] += 1
        if event["kind"] == "referral.routed":
            versions[event["referral"]].add(event["data"]["policy"])
    known = {row["version"] for row in seen.ledger.policies}
    for id_, row in seen.referrals.items():
        if kinds[id_]["referral.accepted"] != 1 or kinds[id_]["referral.routed"] > 1:
            yield f"referral {row['reference']} has the history {dict(kinds[id_])}"
        if row["routed_at"] and not versions[id_] == {row["policy_version"]} <= known:
            yield f"referral {row['reference']} was routed under {versions[id_]}"


def whole_feed(seen: Evidence) -> Iterator[str]:
    """A publisher that reads on from its cursor gets every event once, in order.

    A notice may be sent, or given up, after the publisher has read for the last time.
    """
    told: dict[str, list[int]] = defaultdict(list)
    for fed in seen.journal.fed:
        told[fed.publisher].append(_number(fed.cursor))
    for publisher, numbers in told.items():
        shown = [
            event
            for event in seen.ledger.events
            if event["publisher"] == publisher and event["kind"] not in HIDDEN
        ]
        kept = {event["number"] for event in shown}
        last = max(numbers)
        late = {
            event["number"]
            for event in shown
            if event["kind"].rpartition(".")[2] in NOTICES and (event["number"] or 0) > last
        }
        if len(kept) < len(shown) or None in kept:
            yield f"events of {publisher} have no number of their own"
        if missed := kept - set(numbers) - late:
            yield f"the feed of {publisher} skipped {len(missed)} events, such as {min(missed)}"
        if invented := set(numbers) - kept:
            yield f"the feed of {publisher} had {len(invented)} events that are not there"
        if sorted(set(numbers)) != numbers:
            yield f"the feed of {publisher} came out of order, or told something twice"


def _number(cursor: str) -> int:
    return int(cursor.rpartition("-")[2])


# I6


def kept_clocks(seen: Evidence) -> Iterator[str]:
    """No deadline that an agency or a publisher was told ever changes."""
    told: dict[str, set[tuple[Any, ...]]] = defaultdict(set)
    for offer in seen.journal.offered:
        told[offer.delivery].add(_due(offer.deadlines))
    for shown in seen.journal.shown:
        for delivery in (shown.value or {}).get("deliveries", ()) if shown.status == 200 else ():
            told[delivery["id"]].add(_due(delivery["deadlines"]))
    for id_, due in told.items():
        row = seen.deliveries.get(id_)
        if row is not None and due != {tuple(_whole(row[column]) for column in COLUMNS)}:
            yield f"the deadlines of {id_} were told as {sorted(due, key=str)}"


def no_silent_breach(seen: Evidence) -> Iterator[str]:
    """A deadline that nobody met is told once, however many looked; one that was met is not."""
    told = Counter(
        (event["delivery"], event["data"]["milestone"])
        for event in seen.ledger.events
        if event["kind"] == "delivery.breached"
    )
    for id_, row in seen.deliveries.items():
        for milestone, met in (("acknowledge", "acknowledged_at"), ("decide", "decided_at")):
            due, met_at, times = row[f"{milestone}_by"], row[met], told[id_, milestone]
            if times > 1:
                yield f"{id_} missed its deadline to {milestone} once and was told {times} times"
            elif times and (due is None or (met_at is not None and met_at <= due)):
                yield f"{id_} kept its deadline to {milestone} and was told to have missed it"
            elif not times and milestone == "acknowledge" and _is_silent(row):
                yield f"{id_} missed its deadline to {milestone} and nobody was told"


def _is_silent(row: Row) -> bool:
    unmet = row["acknowledge_by"] is not None and row["acknowledged_at"] is None
    waits = row["state"] in {"available", "leased", "collected", "undeliverable"}
    return unmet and waits and row["age"] > BREACH_SECONDS


def _due(deadlines: dict[str, str | None]) -> tuple[int | None, ...]:
    found = [deadlines.get(column) for column in COLUMNS]
    return tuple(_whole(datetime.fromisoformat(at).timestamp()) if at else None for at in found)


def _whole(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds)


# I7 and I8


def nobody_hangs(seen: Evidence) -> Iterator[str]:
    """Every call of a patient client is answered, or cut, before its patience ends."""
    hung = Counter(
        call.path
        for call in seen.journal.called
        if call.status is None and call.seconds >= HANG_SECONDS
    )
    yield from (f"{path} hung {count} times" for path, count in hung.items())


def floods_are_bounded(seen: Evidence) -> Iterator[str]:
    """A key that floods gets its share and no more, and nobody else is refused for it."""
    for flood in seen.journal.floods:
        most, given = CALLS_A_SECOND * (flood.seconds + 2), flood.answers.get("200", 0)
        if given > most:
            yield f"one key had {given} answers in {flood.seconds:.0f} s, where {most:.0f} are its"
        if flood.answers.get("500"):
            yield f"a flood of {flood.kind} was told 500 {flood.answers['500']} times"
    refused = Counter(call.who for call in seen.journal.called if call.status == 429)
    yield from (f"{who} was refused {count} times" for who, count in refused.items())


def death_is_told(seen: Evidence) -> Iterator[str]:
    """When all workers are away ops have a mail in time, and the outage ends when they are back."""
    for outage in seen.journal.outages:
        for name, after, bound in (
            ("the alarm was not sent", outage.told_after, TOLD_SECONDS),
            ("the outage was not over", outage.over_after, OVER_SECONDS),
        ):
            if after is None or after > bound * seen.journal.crowding:
                yield f"{name} in time: {'never' if after is None else f'after {after:.0f} s'}"


def comes_to_rest(seen: Evidence) -> Iterator[str]:
    """After the faults everything comes to rest, in time and without a storm."""
    yield from seen.journal.undrained
    yield from (f"{end}: it ended by itself" for end in seen.journal.ends)
    if seen.journal.deadlocks:
        yield f"PostgreSQL ended {seen.journal.deadlocks} deadlocks, each after a second"
    bound = RECOVERY_SECONDS * seen.journal.crowding
    if seen.journal.drained_after > bound:
        yield f"it took {seen.journal.drained_after:.0f} s to come to rest"
    yield from (
        f"delivery {row['id']} of {row['agency']} was offered {row['attempt']} times"
        for row in seen.ledger.deliveries
        if row["attempt"] > MOST_OFFERS
    )


def wakes_at_once(seen: Evidence) -> Iterator[str]:
    """A wake-up follows the commit, so that nobody waits for the sweep."""
    lags = seen.journal.lags
    if lags and median(lags) > min(ROUTED_SECONDS * seen.journal.crowding, SWEPT_SECONDS):
        yield f"in the calm referrals waited {median(lags):.1f} s for the sweep to route them"


Rule = Callable[[Evidence], Iterable[str]]
RULES: Sequence[tuple[str, Rule]] = (
    ("I1 no loss", no_loss),
    ("I1 no loss", nothing_taken_is_forgotten),
    ("I2 no invention", no_invention),
    ("I2 no invention", only_ones_own),
    ("I2 no invention", recalls_hold),
    ("I2 no invention", who_had_it_destroys_it),
    ("I3 one outcome", one_outcome),
    ("I3 one outcome", one_identity),
    ("I3 one outcome", lost_leases),
    ("I4 honesty", honest_receipts),
    ("I4 honesty", honest_results),
    ("I4 honesty", honest_answers),
    ("I4 honesty", honest_errors),
    ("I4 honesty", honest_notices),
    ("I5 history", whole_history),
    ("I5 history", whole_referrals),
    ("I5 history", whole_feed),
    ("I6 clocks", kept_clocks),
    ("I6 clocks", no_silent_breach),
    ("I7 isolation", nobody_hangs),
    ("I7 isolation", floods_are_bounded),
    ("I8 recovery", death_is_told),
    ("I8 recovery", comes_to_rest),
    ("I8 recovery", wakes_at_once),
)
