"""A referral's timeline: a row for each delivery, the same in the drawing and in the table."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broker.dashboard.pictures.axis import Axis
from broker.dashboard.pictures.referral_timeline import (
    MOST_ROWS,
    NAME,
    merged,
    stretches,
    timeline,
)
from broker.domain.codes import DeliveryKind, Milestone, Role
from broker.domain.ids import DeliveryId, OrganisationCode, ReferralId
from broker.domain.pictures import ReferralTimeline, RowDeadline, RowPause, TimelineRow
from broker.domain.referral import ReferralStatus, Version
from broker.domain.states import DeliveryState, ReferralState
from tests.unit.dashboard.conftest import check, texts

NOW = datetime(2027, 4, 7, 9, 0, tzinfo=UTC)
START = NOW - timedelta(hours=5)
HOUR = timedelta(hours=1)
INSTANTS = st.lists(
    st.integers(0, 365 * 24 * 60).map(lambda minutes: NOW + timedelta(minutes=minutes)),
    min_size=1,
    max_size=40,
)


def row(number: int, state: DeliveryState, **changes: Any) -> TimelineRow:
    usual: dict[str, Any] = {
        **{"number": number, "delivery": DeliveryId(UUID(int=number)), "state": state},
        **{"agency": OrganisationCode("stoke-csc"), "name": "Stoke <social> care & more"},
        **{"role": Role.LEAD, "kind": DeliveryKind.REFERRAL, "version": 1, "made_at": START},
        **{"available_at": START, "collected_at": None, "acknowledged_at": None},
        **{"decided_at": None, "ended_at": None, "is_open": True, "is_late": False},
        **{"deadlines": (), "pauses": (), "alerts": (), "failed_alerts": ()},
    }
    return TimelineRow(**usual | changes)


def due(milestone: str, at: datetime, verdict: str, met_at: datetime | None = None) -> RowDeadline:
    return RowDeadline(Milestone(milestone), at, met_at, verdict)


LATE = row(
    2,
    DeliveryState.COLLECTED,
    is_late=True,
    collected_at=START + HOUR,
    deadlines=(
        due("collect", START + HOUR / 4, "late", START + HOUR),
        due("acknowledge", START + 2 * HOUR, "overdue"),
    ),
    alerts=(START + 2 * HOUR,) * 3,
    failed_alerts=(START + 3 * HOUR,),
)
DECIDED = row(
    1,
    DeliveryState.DECIDED,
    is_open=False,
    collected_at=START + HOUR / 4,
    acknowledged_at=START + HOUR / 2,
    decided_at=START + HOUR,
    deadlines=(due("decide", NOW + 20 * HOUR, "in_time", START + HOUR),),
)
PAUSED = row(
    3,
    DeliveryState.ACKNOWLEDGED,
    collected_at=START,
    acknowledged_at=START + HOUR,
    deadlines=(due("decide", NOW + 90 * HOUR, "paused"),),
    pauses=(RowPause(NOW - HOUR, None),),
)
HELD = row(4, DeliveryState.HELD, available_at=NOW + 30 * HOUR)
KEPT = row(5, DeliveryState.HELD, available_at=None)
RETURNED = row(6, DeliveryState.RETURNED, is_open=False, collected_at=START, ended_at=START + HOUR)
ROWS = (DECIDED, LATE, PAUSED, HELD, KEPT, RETURNED)


def referral(versions: int = 1, recalled_at: datetime | None = None) -> ReferralStatus:
    listed = [Version(number, bytes(32), START + number * HOUR / 8) for number in range(1, 9)]
    return ReferralStatus(
        **{"id": ReferralId(UUID(int=1)), "publisher": OrganisationCode("staffordshire-police")},
        **{"reference": "STF/1", "state": ReferralState.ROUTED, "digest": bytes(32)},
        **{"accepted_at": START, "routed_at": START, "closed_at": None, "grade": "high"},
        **{"effective_grade": "high", "policy_version": "v1", "directory_version": "v1"},
        **{"reason": None, "attend_by": None, "faults": (), "defects": (), "warnings": ()},
        **{"deliveries": (), "versions": listed[:versions], "recalled_at": recalled_at},
    )


def figures(*rows: TimelineRow, more: int = 0) -> ReferralTimeline:
    states = Counter(row.state for row in rows)
    states[DeliveryState.AVAILABLE] += more
    return ReferralTimeline(rows, states, sum(row.is_late for row in rows))


@given(INSTANTS, st.sampled_from((288.0, 640.0, 1000.0)))
def test_the_axis_keeps_the_order_and_stays_inside(instants: list[datetime], right: float) -> None:
    axis = Axis(instants, left=0, right=right)
    places = [axis.x(at) for at in sorted(instants)]
    assert places == sorted(places)
    assert all(0 <= x <= right for x in places)
    for tick in axis.ticks():
        assert 0 <= tick.x <= right
    assert axis.parts[-1].right <= right + 0.01


@given(INSTANTS)
def test_an_axis_is_to_scale_within_each_part(instants: list[datetime]) -> None:
    for part in Axis(instants, left=0, right=1000).parts:
        middle = part.start + (part.end - part.start) / 2
        assert part.x(middle) == pytest.approx((part.x(part.start) + part.x(part.end)) / 2)


def test_long_stretches_without_anything_are_cut() -> None:
    night = [START + number * HOUR / 4 for number in range(12)]
    axis = Axis([*night, NOW + timedelta(days=5)], left=0, right=1000)
    assert len(axis.parts) == 2
    assert axis.x(night[-1]) - axis.x(night[0]) > 700


def test_marks_that_would_cover_one_another_are_one_mark_with_a_count() -> None:
    assert merged([5.0, 100.0, 1.0, 3.0]) == [(1.0, 3), (100.0, 1)]


@pytest.mark.parametrize(
    ("delivery", "kinds", "end"),
    [
        (DECIDED, ["waiting", "collected", "acknowledged"], START + HOUR),
        (LATE, ["waiting", "collected"], NOW),
        (PAUSED, ["collected", "acknowledged"], NOW),
        (HELD, ["held"], NOW + 30 * HOUR),
        (KEPT, ["held"], NOW),
        (RETURNED, ["collected"], START + HOUR),
        (replace(LATE, made_at=START - HOUR), ["held", "waiting", "collected"], NOW),
    ],
)
def test_a_bar_has_what_happened_and_ends_where_it_ended(
    delivery: TimelineRow, kinds: list[str], end: datetime
) -> None:
    parts = stretches(delivery, NOW)
    assert [part.kind for part in parts] == kinds
    assert parts[0].start == delivery.made_at
    assert parts[-1].end == end
    for part, later in pairwise(parts):
        assert part.end == later.start


def test_drawing_and_table_say_the_same() -> None:
    picture = timeline(referral(versions=2, recalled_at=NOW - HOUR), figures(*ROWS), now=NOW)
    check(picture, most_bytes=60_000)
    assert picture.finding == (
        "6 deliveries, 1 late now: 2 held back, 1 collected, 1 acknowledged, 1 decided,"
        " 1 returned. Corrected once. Recalled."
    )
    assert [row[0].text[0] for row in picture.table.rows] == ["1", "2", "3", "4", "5", "6"]
    late = [cell.text for cell in picture.table.rows[1]]
    assert late[1] == "Lead. 3 h late to acknowledge"
    assert late[2] == "collected Wed 7 Apr 06:00, 45 min late"
    assert late[3] == "late by 3 h: it was due Wed 7 Apr 07:00"
    assert late[6] == "3 sent, 1 failed"
    for drawing in picture.drawings:
        written = texts(drawing)
        assert "Lead. 3 h late to acknowledge" in written
        assert "Now 10:00" in written
        assert 'class="pic-due pic-due--missed"' in drawing
        assert "<title>3 alerts sent</title>" in drawing
    assert {sign.text for sign in picture.signs} >= {"Late", "Held back", "Decided", "Alert failed"}
    assert "Not delivered" not in {sign.text for sign in picture.signs}


def test_an_agency_s_name_is_text() -> None:
    markup = check(timeline(referral(), figures(LATE), now=NOW), most_bytes=30_000)
    assert "Stoke &lt;social&gt; care &amp; more" in markup
    assert "<social>" not in markup


@pytest.mark.parametrize(("rows", "more"), [(3, 0), (MOST_ROWS, 288), (MOST_ROWS, 29_988)])
def test_a_picture_stays_small(rows: int, more: int) -> None:
    """With 3, 300 and 30,000 deliveries; every row with as much as it may have."""
    instants = tuple(START + number * HOUR / 10 for number in range(20))
    full = replace(LATE, alerts=instants, failed_alerts=instants)
    drawn = [replace(full, number=number) for number in range(1, rows + 1)]
    picture = timeline(referral(versions=8), figures(*drawn, more=more), now=NOW)
    check(picture, most_bytes=180_000)
    expected = [f"Drawn: the 12 that need attention first. {more:,} more deliveries below."]
    assert picture.notes == (expected if more else [])
    assert picture.finding.startswith(f"{rows + more:,} deliveries, {rows} late now: ")


def test_a_referral_without_a_delivery_draws_nothing() -> None:
    picture = timeline(referral(), ReferralTimeline((), {}, 0), now=NOW)
    assert (picture.finding, list(picture.drawings)) == ("No agency has this referral.", [])
    assert picture.name == NAME
