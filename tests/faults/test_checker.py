"""The checker can fail: rows that are wrong on purpose, without a campaign."""

import pytest

from tests.faults import checker, recall_rules
from tests.faults.evidence import Evidence
from tests.faults.journal import (
    Answered,
    Called,
    Destroyed,
    Flooded,
    Journal,
    Offered,
    Recalled,
    Shown,
    Stopped,
)
from tests.faults.witness import Ledger

DELIVERY = {
    "id": "one",
    "referral": "a",
    "agency": "stoke-csc",
    "state": "collected",
    "acknowledge_by": 1000.0,
    "decide_by": None,
    "acknowledged_at": None,
    "decided_at": None,
    "age": 60.0,
}


def complaints(times: int, **changes: object) -> list[str]:
    breached = {
        "kind": "delivery.breached",
        "delivery": "one",
        "data": {"milestone": "acknowledge"},
    }
    ledger = Ledger([], [DELIVERY | changes], [], [breached] * times, [], [])
    return list(checker.no_silent_breach(Evidence(Journal(), ledger)))


@pytest.mark.parametrize(
    ("times", "changes", "complaint"),
    [
        (1, {}, None),
        (0, {}, "nobody was told"),
        (2, {}, "was told 2 times"),
        (0, {"age": 10.0}, None),
        (0, {"state": "returned"}, None),
        (0, {"acknowledged_at": 900.0}, None),
        (1, {"acknowledged_at": 900.0}, "kept its deadline"),
        (1, {"acknowledged_at": 1100.0}, None),
    ],
)
def test_a_deadline_that_passes_is_told_once(
    times: int, changes: dict[str, object], complaint: str | None
) -> None:
    found = complaints(times, **changes)
    assert len(found) == (complaint is not None)
    assert complaint is None or complaint in found[0]


def of(rule: checker.Rule, journal: Journal) -> list[str]:
    return list(rule(Evidence(journal, Ledger([], [], [], [], [], []))))


@pytest.mark.parametrize(
    ("told", "over", "complaint"),
    [
        (66.0, 12.0, None),
        (None, 12.0, "the alarm was not sent in time: never"),
        (80.0, 12.0, "the alarm was not sent in time: after 80 s"),
        (66.0, None, "the outage was not over in time: never"),
        (66.0, 61.0, "the outage was not over in time: after 61 s"),
    ],
)
def test_an_alarm_that_is_late_or_does_not_end_is_noticed(
    told: float | None, over: float | None, complaint: str | None
) -> None:
    found = of(checker.death_is_told, Journal(outages=[Stopped(told, over)]))
    assert found == ([complaint] if complaint else [])


@pytest.mark.parametrize(
    ("answers", "others", "complaint"),
    [
        ({"200": 1000, "429": 90}, 202, None),
        ({"200": 1500}, 202, "one key had 1500 answers in 5 s, where 1400 are its"),
        ({"500": 2}, 202, "a flood of calls was told 500 2 times"),
        ({"200": 1000, "429": 90}, 429, "stoke-csc was refused 1 times"),
    ],
)
def test_a_flood_that_others_feel_is_noticed(
    answers: dict[str, int], others: int, complaint: str | None
) -> None:
    called = Called("stoke-csc", "/v1/collect", 0, 0.1, 30, others)
    journal = Journal(floods=[Flooded("calls", 5, answers)], called=[called])
    found = of(checker.floods_are_bounded, journal)
    assert found == ([complaint] if complaint else [])


@pytest.mark.parametrize(
    ("answers", "kept", "complaint"),
    [
        ([("advice", "recorded")], "advice", None),
        ([("advice", "recorded")], "assessment", "was decided advice"),
        ([("advice", "recorded"), ("assessment", "recorded")], "advice", "was decided assessment"),
        # The answer to a change was lost, and its repetition was answered.
        (
            [("advice", "recorded"), ("assessment", None), ("assessment", "already")],
            "advice",
            "was",
        ),
        (
            [("advice", "recorded"), ("assessment", None), ("assessment", "already")],
            "assessment",
            None,
        ),
        # Nobody knows what became of the last one: either may be there, and nothing else.
        ([("advice", "recorded"), ("assessment", None)], "advice", None),
        ([("advice", "recorded"), ("assessment", None)], "assessment", None),
        ([("advice", "recorded"), ("assessment", None)], "strategy_discussion", "was decided"),
        ([("advice", "recorded"), ("assessment", "lease_lost")], "assessment", "was decided"),
    ],
)
def test_a_decision_stands_as_its_agency_was_last_told(
    answers: list[tuple[str, str | None]], kept: str, complaint: str | None
) -> None:
    journal = Journal()
    for at, (outcome, result) in enumerate(answers, start=1):
        journal.answered.append(
            Answered("stoke-csc", "one", "decided", outcome, None, None, at - 0.5, at, result)
        )
    stranger = Answered("shropshire-csc", "one", "decided", "other", None, None, 8.0, 9.0, None)
    journal.answered.append(stranger)
    shown = {"deliveries": [{"id": "one", "outcome": kept}]}
    journal.shown.append(Shown("staffordshire-police", "a", 10.0, 200, shown))
    row = {"delivery": "one", "stage": "decided", "outcome": kept}
    evidence = Evidence(journal, Ledger([], [], [row], [], [], []))
    for rule in (checker.honest_results, checker.honest_answers):
        findings = list(rule(evidence))
        assert len(findings) == (complaint is not None)
        assert complaint is None or complaint in findings[0]


def offer(asked_at: float, by: str = "mailbox") -> Offered:
    where = ("stoke-csc", "one", "a", "P/1", "staffordshire-police", "n-1", ("E06000021",))
    return Offered(*where, 1, "lease", {}, asked_at, asked_at + 0.1, by)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({}, None),
        ({"recalled_at": None}, "the ledger does not say so"),
        ({"state": "available"}, "of a recalled referral is available"),
        ({"state": "acknowledged"}, "of a recalled referral is acknowledged"),
        ({"state": "decided"}, None),
        ({"state": "available", "kind": "recall"}, None),
        ({"offered": offer(9.0)}, None),
        ({"offered": offer(10.5)}, "was offered 0.50 s after its recall"),
        ({"offered": offer(10.5, by="queue")}, None),
    ],
)
def test_what_is_recalled_is_neither_offered_nor_left_open(
    changes: dict[str, object], complaint: str | None
) -> None:
    offered = changes.pop("offered", offer(5.0))
    assert isinstance(offered, Offered)
    referral = {"id": "a", "recalled_at": changes.pop("recalled_at", 9.5)}
    delivery = {"id": "one", "referral": "a", "kind": "referral", "state": "recalled"} | changes
    journal = Journal(
        offered=[offered], recalled=[Recalled("staffordshire-police", "a", 9.0, 10.0, 202)]
    )
    evidence = Evidence(journal, Ledger([referral], [delivery], [], [], [], []))
    findings = list(recall_rules.recalls_hold(evidence))
    assert len(findings) == (complaint is not None)
    assert complaint is None or complaint in findings[0]


@pytest.mark.parametrize("by", ["mailbox", "queue"])
@pytest.mark.parametrize(
    ("recalled_at", "asked", "is_found"),
    [
        (9.5, ["stoke-csc"], False),
        (9.5, ["shropshire-csc"], True),
        (9.5, [], True),
        (None, [], False),
    ],
)
def test_who_had_what_was_recalled_is_asked_to_destroy_it(
    by: str, recalled_at: float | None, asked: list[str], is_found: bool
) -> None:
    destroyed = [Destroyed(agency, "a", "two", 12.0) for agency in asked]
    referral = {"id": "a", "recalled_at": recalled_at}
    journal = Journal(offered=[offer(5.0, by)], destroyed=destroyed)
    evidence = Evidence(journal, Ledger([referral], [], [], [], [], []))
    assert bool(list(recall_rules.who_had_it_destroys_it(evidence))) is is_found


@pytest.mark.parametrize(
    ("steps", "recalled_at", "is_found"),
    [
        (("available", "recalled"), 9.5, False),
        (("available", "leased", "recalled"), 9.5, False),
        (("available", "recalled"), None, True),
        (("available", "leased", "refused", "recalled"), None, False),
        (("available", "decided", "recalled"), 9.5, True),
    ],
)
def test_nothing_is_recalled_by_itself(
    steps: tuple[str, ...], recalled_at: float | None, is_found: bool
) -> None:
    attempts = int("leased" in steps)
    delivery = DELIVERY | {"state": "recalled", "attempt": attempts}
    events = [{"delivery": "one", "kind": f"delivery.{step}", "data": {}} for step in steps]
    for event in events:
        if event["kind"] == "delivery.leased":
            event["data"] = {"attempt": 1}
    ledger = Ledger([{"id": "a", "recalled_at": recalled_at}], [delivery], [], events, [], [])
    found = list(checker.whole_history(Evidence(Journal(), ledger)))
    assert bool(found) is is_found


@pytest.mark.parametrize(
    ("lags", "crowding", "swept"),
    [
        ([0.1, 3.0, 9.0], 1, False),
        ([0.1, 3.1, 9.0], 1, True),
        ([3.2, 3.2, 3.2], 1.5, False),
        ([6.1, 6.1, 6.1], 40, True),
        ([], 1, False),
    ],
)
def test_a_referral_that_waited_for_the_sweep_is_noticed(
    lags: list[float], crowding: float, swept: bool
) -> None:
    found = of(checker.wakes_at_once, Journal(lags=lags, crowding=crowding))
    assert len(found) == swept
