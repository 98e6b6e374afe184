"""One function says whether a broker works; a false all-clear is impossible."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.cli.health_output import OK, STATE_OF
from broker.dashboard.wording import LEVEL_NAMES, TONES
from broker.domain.codes import HealthLevel
from broker.domain.health import Signals
from broker.domain.proofs import MonitorState, Ping, SyntheticState, SyntheticStep, SyntheticTest
from broker.policy.monitoring.health import (
    LANE_GRACE,
    LANES,
    LARGEST_CLOCK_DIFFERENCE,
    LEAST_FREE,
    LONGEST_BEAT,
    LONGEST_FEED_LAG,
    LONGEST_UNROUTED,
    NAMES,
    judge,
    somebody_works,
)
from broker.policy.time.moments import moment
from schemas.attention import LEVELS

NOW = datetime(2026, 12, 18, 22, 30, tzinfo=UTC)
AGO, AHEAD = NOW - timedelta(minutes=5), NOW + timedelta(seconds=5)
LONG_AGO = NOW - timedelta(minutes=6)
WELL = Signals(
    at=NOW,
    ledger=True,
    beats=dict.fromkeys(LANES, AHEAD),
    workers=2,
    gateways=1,
    clocks_apart=0,
    clock_difference=0.0,
    unrouted=0,
    unrouted_seconds=0.0,
    notices_failed=0,
    notices_deferred=0,
    channels={"queue": True},
    wakeups=True,
    quarantine=False,
    feed_lag=0.0,
    disks={"/data": 0.5},
    test_referrals=SyntheticState(300.0, AGO),
    outside_monitor=MonitorState(True, AGO),
    late=0,
    tasks_overdue=0,
    unroutable=0,
    undeliverable=0,
    silent=0,
    soon=0,
    open=0,
)
MEASURED = [field.name for field in fields(Signals) if field.name != "at"]
COUNTS = st.integers(1, 10**6)
BROKEN: dict[str, st.SearchStrategy[Any]] = {
    "ledger": st.just(False),
    "beats": st.sampled_from([*LANES]).flatmap(
        lambda lane: st.sampled_from(
            [None, NOW - timedelta(seconds=11), AGO, NOW + timedelta(hours=1)]
        ).map(lambda beat: {**dict.fromkeys(LANES, AHEAD), lane: beat})
    ),
    "workers": st.just(0),
    "gateways": st.just(0),
    "clocks_apart": st.integers(1, 100),
    "clock_difference": st.floats(LARGEST_CLOCK_DIFFERENCE, exclude_min=True)
    | st.just(float("nan")),
    "unrouted_seconds": st.floats(LONGEST_UNROUTED, 1e6, exclude_min=True)
    | st.floats(-1e6, -LARGEST_CLOCK_DIFFERENCE, exclude_max=True)
    | st.just(float("nan")),
    "channels": st.sampled_from([{"queue": False}, {"queue": None}, {"queue": True, "x": False}]),
    "wakeups": st.just(False),
    "quarantine": st.just(True),
    "feed_lag": st.floats(LONGEST_FEED_LAG, 1e6, exclude_min=True) | st.just(float("nan")),
    "test_referrals": st.sampled_from(
        [
            SyntheticState(60.0, AGO),
            SyntheticState(60.0, NOW + timedelta(hours=1)),
            SyntheticState(
                60.0, AGO, SyntheticTest(AGO, AGO, SyntheticStep.ROUTE, "x", None, None)
            ),
            SyntheticState(60.0, AGO, SyntheticTest(AGO, None, None, None, AGO, 0.4)),
        ]
    ),
    "outside_monitor": st.sampled_from(
        [
            MonitorState(True, LONG_AGO),
            MonitorState(True, LONG_AGO, Ping(NOW, "refused", 404, None)),
            MonitorState(True, LONG_AGO, Ping(NOW, "refused", 404, LONG_AGO)),
        ]
    ),
    "disks": (st.none() | st.floats(0, LEAST_FREE, exclude_max=True) | st.just(float("nan"))).map(
        lambda free: {"/other": 0.9, "/data": free}
    ),
    **dict.fromkeys(
        (
            *("notices_failed", "notices_deferred", "late", "tasks_overdue", "unroutable"),
            *("undeliverable", "silent", "soon"),
        ),
        COUNTS,
    ),
}
HARMLESS = {"open", "unrouted"}
"""Figures that say nothing by themselves: work that goes well is open too."""


def test_a_broker_in_which_all_is_known_and_well_is_well() -> None:
    health = judge(WELL)
    assert (health.level, health.problems) == (HealthLevel.WELL, [])
    assert TONES[health.level] == "good"
    assert STATE_OF[health.level.word] == OK
    assert somebody_works(health) is True
    busy = replace(WELL, open=10_000, unrouted=3, unrouted_seconds=0.4)
    assert judge(busy).level is HealthLevel.WELL


def test_every_signal_has_a_way_to_be_not_well() -> None:
    assert BROKEN.keys() == {*MEASURED} - HARMLESS
    assert NAMES.keys() == {*MEASURED}


@given(st.data())
def test_nothing_but_all_well_gives_the_all_clear(data: st.DataObject) -> None:
    """Whatever else is true, one signal that is broken or not known is enough."""
    chosen = data.draw(st.lists(st.sampled_from(MEASURED), min_size=1, unique=True))
    changes = {
        name: data.draw(st.none() | BROKEN[name] if name in BROKEN else st.none(), label=name)
        for name in chosen
    }
    health = judge(replace(WELL, **changes))
    assert health.level > HealthLevel.WELL
    assert health.problems
    assert TONES[health.level] != "good"
    assert STATE_OF[health.level.word] != OK
    assert health.sentence != judge(WELL).sentence
    levels = [problem.level for problem in health.problems]
    assert levels == sorted(levels, reverse=True)
    assert health.level is levels[0]


@pytest.mark.parametrize("name", MEASURED)
def test_what_is_not_known_is_named(name: str) -> None:
    health = judge(replace(WELL, **{name: None}))
    assert health.level is HealthLevel.UNKNOWN
    assert health.sentence == f"We cannot tell {NAMES[name]}."


def test_nothing_known_is_not_well_and_nobody_is_said_to_work() -> None:
    health = judge(Signals(at=NOW))
    assert health.level is HealthLevel.UNKNOWN
    assert somebody_works(health) is None


def test_without_the_ledger_that_alone_is_said() -> None:
    health = judge(Signals(at=NOW, ledger=False))
    assert [problem.code for problem in health.problems] == ["ledger"]
    assert health.level is HealthLevel.STOPPED
    assert somebody_works(health) is None


def test_nobody_works_comes_before_everything_else() -> None:
    """The findings: a green sentence over dead workers and an immediate referral."""
    dead = dict.fromkeys(LANES, AGO)
    health = judge(
        replace(WELL, beats=dead, workers=0, unrouted=1, unrouted_seconds=340.0, late=30)
    )
    assert [problem.code for problem in health.problems] == ["no_worker", "unrouted", "late"]
    assert health.sentence == (
        "No worker has run since 22:25. Referrals are accepted and kept, but none is "
        "sent on, no deadline is watched and no alert is sent. 1 referral waiting."
    )
    assert somebody_works(health) is False


def test_a_lane_without_anybody_is_named_with_what_it_means() -> None:
    health = judge(replace(WELL, beats={**dict.fromkeys(LANES, AHEAD), "watch": AGO}))
    assert health.level is HealthLevel.STOPPED
    assert "no deadline is watched" in health.sentence
    assert somebody_works(health) is False


def test_every_level_has_its_words_in_every_door() -> None:
    assert tuple(level.word for level in HealthLevel) == LEVELS
    assert STATE_OF.keys() == {level.word for level in HealthLevel}
    assert LEVEL_NAMES.keys() == TONES.keys() == {*HealthLevel}


def test_a_proof_that_nobody_asks_for_is_not_missed() -> None:
    off = replace(
        WELL,
        test_referrals=SyntheticState(0.0, LONG_AGO),
        outside_monitor=MonitorState(False, LONG_AGO),
    )
    assert judge(off).level is HealthLevel.WELL


@pytest.mark.parametrize(
    ("latest", "sentence"),
    [
        (
            SyntheticTest(AGO, AGO, SyntheticStep.COLLECT, "nothing", None, None),
            "come through yet. The last one could not be collected.",
        ),
        (
            SyntheticTest(AGO, None, None, None, None, None),
            "come through yet. No worker finished the last one.",
        ),
        (
            SyntheticTest(AGO, AGO, None, None, AGO, 0.4),
            "come through since {at}. No gateway has begun another one.",
        ),
        (None, "come through yet. No gateway has begun one."),
    ],
)
def test_where_the_last_test_referral_stopped_is_said(
    latest: SyntheticTest | None, sentence: str
) -> None:
    health = judge(replace(WELL, test_referrals=SyntheticState(60.0, AGO, latest)))
    at = moment(AGO, NOW).removeprefix("today ")
    assert health.sentence == f"No test referral has {sentence.format(at=at)}"


AT_THE_BOUND = {
    "clock_difference": LARGEST_CLOCK_DIFFERENCE,
    "unrouted_seconds": LONGEST_UNROUTED,
    "feed_lag": LONGEST_FEED_LAG,
    "disks": {"/data": LEAST_FREE},
    "workers": 1,
}


@pytest.mark.parametrize("beat", [NOW - LANE_GRACE, NOW + LONGEST_BEAT])
def test_what_is_at_its_bound_is_well(beat: datetime) -> None:
    bound = replace(WELL, **AT_THE_BOUND, beats=dict.fromkeys(LANES, beat))
    assert judge(bound).problems == []
    assert judge(replace(bound, unrouted_seconds=-LARGEST_CLOCK_DIFFERENCE)).problems == []


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"clock_difference": 2.14}, "The clocks of the broker’s machines are 2.1 s apart."),
        ({"disks": {"/": 0.5, "/data": 0.04}}, "The disk of /data is 96% full."),
        ({"feed_lag": 180.0}, "Publishers’ feeds are 3 min behind."),
        (
            {"unrouted": 0, "unrouted_seconds": 180.0},
            "1 referral not sent on to any agency yet, the oldest for 3 min.",
        ),
        (
            {"unrouted": 2, "unrouted_seconds": 180.0},
            "2 referrals not sent on to any agency yet, the oldest for 3 min.",
        ),
        (
            {"channels": {"queue": True, "mesh": False}},
            "The channel ‘mesh’ is not responding. No delivery reaches an agency by it until it "
            "does.",
        ),
        ({"channels": {"queue": None}}, "We cannot tell whether the channel ‘queue’ responds."),
        ({"disks": {"/data": None}}, "We cannot tell whether the disk of /data has room."),
        (
            {"silent": None, "soon": None, "open": None},
            "We cannot tell who is silent, what is due soon and what is open.",
        ),
        (
            {"beats": {**dict.fromkeys(LANES, AHEAD), "silence": None}},
            "Nobody has done the work of ‘silence’ yet: nobody looks for organisations that have "
            "gone silent.",
        ),
    ],
)
def test_what_is_not_well_is_said_with_its_figure(changes: dict[str, Any], sentence: str) -> None:
    assert judge(replace(WELL, **changes)).sentence == sentence


@pytest.mark.parametrize("unrouted", [0, None, 7])
def test_what_is_not_sent_on_is_counted(unrouted: int | None) -> None:
    """A wait without anything that waits is one thing at least."""
    health = judge(replace(WELL, unrouted=unrouted, unrouted_seconds=180.0))
    counts = [problem.count for problem in health.problems if problem.code == "unrouted"]
    assert counts == [unrouted or 1]


@pytest.mark.parametrize(
    ("changes", "since"),
    [
        ({"workers": 0}, "since 22:30"),
        ({"workers": 0, "beats": None}, "yet"),
        ({"beats": dict.fromkeys(LANES)}, "yet"),
        ({"beats": {**dict.fromkeys(LANES, LONG_AGO), "silence": AGO}}, "since 22:25"),
    ],
)
def test_nobody_works_without_a_worker_or_without_any_lane(
    changes: dict[str, Any], since: str
) -> None:
    health = judge(replace(WELL, **changes))
    assert health.problems[0].code == "no_worker"
    assert f"No worker has run {since}. " in health.sentence


@pytest.mark.parametrize(
    "changes",
    [
        {"ledger": None},
        {"workers": None},
        {"beats": None},
        {"beats": {lane: AHEAD for lane in LANES if lane != "silence"}},
        {"beats": {**dict.fromkeys(LANES, AHEAD), "silence": NOW + timedelta(minutes=6)}},
    ],
)
def test_whether_somebody_works_is_not_known_where_a_part_of_it_is_not(
    changes: dict[str, Any],
) -> None:
    health = judge(replace(WELL, **changes))
    assert somebody_works(health) is None
    assert health.problems[0].code == "unknown"


def test_a_lane_of_which_no_end_is_known_was_looked_at() -> None:
    """Nobody works in it, which is known."""
    health = judge(replace(WELL, beats={**dict.fromkeys(LANES, AHEAD), "silence": None}))
    assert [problem.code for problem in health.problems] == ["no_silence"]
