"""Who sends to whom in a month: the drawing and the table say the same, with few and with many."""

import re
from collections import Counter
from datetime import date

import pytest

from broker.dashboard.flows_page import _after, _before, _month
from broker.dashboard.pictures.month_flows import month_flows
from broker.dashboard.pictures.picture import Picture
from broker.domain.ids import OrganisationCode
from broker.domain.pictures import Flow, MonthFlows
from tests.unit.dashboard.conftest import check, texts

MOST = 9 * 15
"""Rows with every name and the others."""


def flow(publisher: str | None, agency: str | None, count: int) -> Flow:
    return Flow(
        OrganisationCode(publisher) if publisher else None,
        OrganisationCode(agency) if agency else None,
        count,
    )


def drawn(flows: MonthFlows) -> Picture:
    return month_flows(flows, month="November 2026", names=lambda code: f"Name <of> {code}")


def of_count(count: int) -> MonthFlows:
    """Return flows as the ledger does: eight forces and fourteen agencies at most, and others."""
    pairs = Counter((number % 43, number * 7 % 997) for number in range(count))
    forces = [force for force, _ in Counter(force for force, _ in pairs.elements()).most_common(8)]
    agencies = [code for code, _ in Counter(code for _, code in pairs.elements()).most_common(14)]
    named: Counter[tuple[str | None, str | None]] = Counter()
    for (force, agency), number in pairs.items():
        key = (
            f"force-{force}" if force in forces else None,
            f"agency-{agency}" if agency in agencies else None,
        )
        named[key] += number
    flows = [flow(force, agency, number) for (force, agency), number in named.most_common()]
    return MonthFlows(
        flows, len({force for force, _ in pairs}), len({agency for _, agency in pairs})
    )


@pytest.mark.parametrize("count", [3, 300, 30_000])
def test_the_drawings_and_the_table_have_every_delivery(count: int) -> None:
    flows = of_count(count)
    assert flows.total == count
    picture = drawn(flows)
    markup = check(picture, most_bytes=140_000)
    assert sum(int(row[2].text.replace(",", "")) for row in picture.table.rows) == count
    assert len(picture.table.rows) == len(flows.flows) <= MOST
    assert len(picture.drawings) == 3
    for drawing in picture.drawings:
        assert str(drawing).count('class="pic-flow"') == len(flows.flows)
    assert f"{count:,} deliveries of the referrals of November 2026" in picture.finding
    assert "Name &lt;of&gt;" in markup


def test_each_side_of_a_drawing_adds_up_to_all() -> None:
    flows = of_count(300)
    for drawing in drawn(flows).drawings:
        nodes = re.findall(r'<rect x="([\d.]+)"[^>]*height="([\d.]+)"[^>]*pic-node', str(drawing))
        sides: Counter[str] = Counter()
        for x, height in nodes:
            sides[x] += round(float(height), 1)
        assert len(sides) == 2
        assert all(total == pytest.approx(340, abs=8) for total in sides.values())


def test_all_others_are_one_and_say_how_many_they_are() -> None:
    flows = MonthFlows(
        [flow("a", None, 50), flow("b", "x", 9), flow(None, "x", 1)], publishers=5, agencies=2
    )
    picture = drawn(flows)
    shown = [[cell.text for cell in row] for row in picture.table.rows]
    assert shown == [
        ["Name <of> a", "1 other agency", "50", "83.3%"],
        ["Name <of> b", "Name <of> x", "9", "15.0%"],
        ["3 other forces", "Name <of> x", "1", "1.7%"],
    ]
    assert picture.finding.endswith("from 5 police forces to 2 agencies.")
    words = texts(str(picture.drawings[0]))
    assert words.index("3 other forces") > words.index("Name <of> b")


def test_a_month_without_any_says_so() -> None:
    picture = drawn(MonthFlows((), 0, 0))
    assert picture.finding == "No referral of November 2026 went to an agency."
    assert (list(picture.drawings), picture.table.rows, list(picture.notes)) == ([], [], [])


@pytest.mark.parametrize(
    ("text", "month"),
    [
        ("2026-11", date(2026, 11, 1)),
        ("2026-13", None),
        ("2026-00", None),
        ("1999-12", None),
        ("9999-12", None),
        ("2026-1", None),
        ("", None),
        ("2026-²1", None),
    ],
)
def test_a_month_is_read_or_not_at_all(text: str, month: date | None) -> None:
    assert _month(text) == month


def test_months_follow_each_other_over_the_year() -> None:
    assert _after(date(2026, 12, 1)) == date(2027, 1, 1)
    assert _before(date(2027, 1, 1)) == date(2026, 12, 1)
    assert _after(date(2026, 1, 1)) == date(2026, 2, 1)
