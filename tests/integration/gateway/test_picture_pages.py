"""The pictures on the pages say what lies in the tables."""

import re
from collections import Counter
from html import unescape

import psycopg
import pytest
from starlette.testclient import TestClient

from broker.dashboard.organisation_names import names_of
from broker.domain.codes import Right
from broker.flow.context import Context
from broker.ledger import pictures
from broker.policy.time.calendars import LONDON
from tests.conftest import FixedClock
from tests.integration.gateway.test_rights import ask, pages, signed_in
from tests.integration.ledger.conftest import NOW
from tests.recount import AGENCIES, is_at_risk, is_open, made, open_rows, unmet

__all__ = ["pages"]


def table(page: str, label: str) -> dict[str, list[str]]:
    """Return a table's cells by the head of their row."""
    (body,) = re.findall(rf'aria-label="{label}">(.*?)</table>', page, re.DOTALL)
    rows = {}
    for row in re.findall(r"<tr>\s*(<th scope=\"row\">.*?)</tr>", body, re.DOTALL):
        head, *cells = (
            unescape(re.sub(r"<[^>]*>", "", cell)).strip()
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.DOTALL)
        )
        rows[head] = cells
    return rows


@pytest.mark.parametrize("seed", range(2))
def test_the_hours_and_the_areas_are_those_of_the_rows(
    context: Context, dsn: str, clock: FixedClock, pages: TestClient, seed: int
) -> None:
    work, clock.now = open_rows(made(dsn, seed)), NOW
    session = signed_in(context, Right.VIEW)
    dues = [min(unmet(row).values()) for row in filter(is_at_risk, work) if unmet(row)]
    late = sum(due < NOW for due in dues)
    hours = table(
        ask(pages, "GET", "/figures", session).text,
        "What is late, and deadlines of the next 24 hours by the hour",
    )
    assert hours["Late now"][2] == str(late)
    assert len(hours) == 25
    ahead = sum(int(cells[2]) for name, cells in hours.items() if name != "Late now")
    assert ahead == sum(due >= NOW and (due - NOW).total_seconds() < 86_400 for due in dues)

    shown = ask(pages, "GET", "/areas", session).text
    areas = table(shown, "Each area, worst first")
    directory = context.policies.latest().directory
    assert set(areas) == {area.name for area in directory.areas.values()}
    for code, area in directory.areas.items():
        serving = {
            organisation.code
            for organisation in directory.organisations
            if code in organisation.areas and organisation.code in AGENCIES
        }
        own = [
            row
            for row in work
            if row["what"] == "delivery" and row["agency"] in serving and is_open(row)
        ]
        own_late = sum(
            row["state"] != "held" and min(unmet(row).values(), default=NOW) < NOW for row in own
        )
        state, _, count = areas[area.name]
        assert count == str(len(own))
        assert (f"{own_late} late" == state) == (own_late > 0)
    unroutable = sum(row["what"] == "referral" for row in work)
    assert f"{unroutable} referrals with no agency" in shown


def test_a_referral_s_page_has_its_timeline_and_where_its_escalation_stands(
    context: Context, dsn: str, clock: FixedClock, pages: TestClient
) -> None:
    rows, clock.now = made(dsn, 1), NOW
    delivery = next(row for row in rows if row["what"] == "delivery")
    page = ask(
        pages, "GET", f"/referrals/{delivery['referral']}", signed_in(context, Right.VIEW)
    ).text
    timeline = table(page, "Each delivery with its deadlines")
    own = [row for row in rows if row["what"] == "delivery"]
    own = [row for row in own if row["referral"] == delivery["referral"]]
    assert len(timeline) == len(own)


@pytest.mark.parametrize("named", [1, 100])
def test_the_flows_of_a_month_are_a_recount_of_the_deliveries(
    context: Context,
    dsn: str,
    clock: FixedClock,
    pages: TestClient,
    monkeypatch: pytest.MonkeyPatch,
    named: int,
) -> None:
    """Every delivery is in one row, by name or among all others; other months are not in it."""
    made(dsn, 0)
    clock.now = NOW
    monkeypatch.setattr(pictures, "NAMED_PUBLISHERS", named)
    monkeypatch.setattr(pictures, "NAMED_AGENCIES", named)
    with psycopg.connect(dsn) as ledger:
        months: dict[str, Counter[tuple[str, str]]] = {}
        for publisher, agency, at in ledger.execute(
            "select publisher, agency, accepted_at from delivery join referral "
            "on referral.id = delivery.referral where kind = 'referral'"
        ):
            month = at.astimezone(LONDON).strftime("%Y-%m")
            months.setdefault(month, Counter())[publisher, agency] += 1
    assert months
    session, names = signed_in(context, Right.VIEW), names_of(context)
    for month, pairs in months.items():
        page = ask(pages, "GET", f"/flows?month={month}", session).text
        body = re.findall(r'aria-label="Deliveries of .*?</table>', page, re.DOTALL)[0]
        shown = [
            [unescape(re.sub(r"<[^>]*>", "", cell)).strip() for cell in re.findall(CELL, row)]
            for row in re.findall(r"<tr>\s*<th scope=\"row\">.*?</tr>", body, re.DOTALL)
        ]
        assert sum(int(row[2].replace(",", "")) for row in shown) == pairs.total()
        if named == 100:
            counted = {(row[0], row[1]): int(row[2].replace(",", "")) for row in shown}
            assert counted == {
                (names.of(publisher), names.of(agency)): count
                for (publisher, agency), count in pairs.items()
            }
        agencies = len({agency for _, agency in pairs})
        assert f"to {agencies} agencies" in page or agencies == 1
        others = agencies - named
        assert (f"{others} other agenc" in page) == (others > 0)
    assert "No referral of" in ask(pages, "GET", "/flows?month=2001-01", session).text


CELL = re.compile(r"<t[hd][^>]*>.*?</t[hd]>", re.DOTALL)
