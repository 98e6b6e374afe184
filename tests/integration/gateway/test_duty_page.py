"""The pages for people on duty: every figure and sentence is that of a recount of the raw rows."""

import re
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from broker.admin.expected_recipients import expected
from broker.dashboard import duty
from broker.dashboard.organisation_names import names_of
from broker.dashboard.system_parts import SHOWN, WORK
from broker.domain.codes import Right
from broker.flow import synthetic_test
from broker.flow.context import Context
from broker.flow.process_reports import GATEWAY, write_report
from broker.ledger.monitoring import SOON
from broker.policy.monitoring import health
from broker.policy.time.moments import length, moment
from tests.acceptance.conftest import World, sample, world
from tests.conftest import FixedClock, eventually
from tests.integration.gateway.test_health import Key, works
from tests.integration.gateway.test_rights import ask, pages, signed_in
from tests.integration.ledger.conftest import NOW
from tests.recount import Row, is_at_risk, is_open, made, open_rows, unmet

__all__ = ["pages", "world"]


def squeezed(html: str) -> str:
    """Return the text of a page with its blanks as people see them."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", "", html))).strip()


def is_late(row: Row) -> bool:
    return row["state"] != "held" and min(unmet(row).values(), default=NOW) < NOW


@pytest.mark.parametrize("seed", range(2))
def test_the_duty_page_says_what_is_in_the_tables(
    context: Context, dsn: str, clock: FixedClock, pages: TestClient, seed: int
) -> None:
    rows, clock.now = made(dsn, seed), NOW
    page = ask(pages, "GET", "/", signed_in(context, *Right)).text
    work = open_rows(rows)
    deliveries = [row for row in rows if row["what"] == "delivery" and is_open(row)]
    late = [row for row in work if is_late(row)]
    due = {id(row): min(unmet(row).values()) for row in filter(is_at_risk, work) if unmet(row)}
    soon = [at for at in due.values() if NOW <= at < NOW + SOON]
    agencies = Counter(row["agency"] for row in deliveries if is_late(row))
    figures = squeezed(re.findall(r'id="figures-part".*?</dl>', page, re.DOTALL)[0])
    unrouted = sum(row["what"] == "unrouted" for row in work)
    assert f"no agency has them yet {unrouted}" in figures.replace("yet", "yet ").replace("  ", " ")
    assert f"Lateat {len(agencies)} agencies {len(late)}" in figures
    assert re.search(rf"Due within 15 minutesthe first .*? {len(soon)} ", figures)
    assert figures.endswith(f"of {len(work)} open {len(work) - len(late)}")

    names = names_of(context)
    for code, count in agencies.items():
        (part,) = re.findall(rf'aria-labelledby="g-{code}".*?</section>', page, re.DOTALL)
        group = squeezed(part)
        worst = min(due[id(row)] for row in deliveries if row["agency"] == code and id(row) in due)
        assert f"{count} late worst by {length(NOW - worst)}" in group
        number = names.telephone(code, NOW)
        assert number is not None
        assert f'href="tel:{number.number.replace(" ", "")}"' in page
        assert f"Call {names.of(code)} on {number.number}" in group
        assert "Nobody is dealing with this." in group
    needed = len(context.ledger.queries.attention(limit=1000))
    assert f"Needs you {needed} waiting" in squeezed(page)
    assert f"Agencies {len(agencies)} with late work" in squeezed(page)


def test_the_agencies_that_are_not_on_the_duty_page_are_in_the_list_it_leads_to(
    context: Context,
    dsn: str,
    clock: FixedClock,
    pages: TestClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made(dsn, 0)
    clock.now = NOW
    urgent = context.ledger.monitoring.urgent_work(now=NOW, limit=1, each=1)
    everybody = len(context.policies.latest().directory.organisations)
    assert 1 < urgent.count < everybody
    monkeypatch.setattr(duty, "GROUPS", 1)
    session = signed_in(context, Right.VIEW)
    page = ask(pages, "GET", "/", session).text
    (link, text) = re.findall(r'href="/ops(/agencies\?[^"]*)">([^<]*)</a>', page)[-1]
    assert text.startswith(f"{urgent.count - 1} more")
    listed = ask(pages, "GET", link, session).text.partition('id="agencies-part"')[2]
    assert len(re.findall(r'<th scope="row"><a href="/ops/agencies/', listed)) == urgent.count


def test_a_broker_that_has_stopped_names_whom_to_ring_for_what(
    context: Context, world: World, pages: TestClient
) -> None:
    """Also who would get what no agency has yet, and nobody from whom it would be held."""
    world.at("2026-12-16 20:00")
    receipt = world.hand_in(sample(1))
    world.clock.advance(minutes=2)
    session = signed_in(context, *Right)
    page = squeezed(ask(pages, "GET", "/", session).text)
    assert "Stopped: No worker has run yet." in page
    names = names_of(context)
    assert names.telephones(names.ops)
    for _, number in names.telephones(names.ops):
        assert number.number in page
    assert "1 referral no agency has yet" in page
    (waiting,) = expected(context, now=world.clock.now, limit=5)
    world.drain()
    assert {recipient.agency for recipient in waiting.recipients} == {
        delivery["agency"]
        for delivery in world.status(receipt)["deliveries"]
        if delivery["state"] != "held"
    }
    for recipient in waiting.recipients:
        telephone = names.telephone(recipient.agency, world.clock.now)
        assert telephone is not None
        assert f"Call {names.of(recipient.agency)} on {telephone.number}" in page


def test_an_agency_that_answered_early_is_in_the_list_of_all(
    context: Context, world: World, pages: TestClient
) -> None:
    """Nothing of it is open and none of its deadlines has come: it has worked all the same."""
    world.at("2026-12-16 10:00")
    deliveries = world.routed(sample(1))["deliveries"]
    for agency in {delivery["agency"] for delivery in deliveries}:
        for offer in world.collect(agency):
            about = {"delivery": offer["delivery"], "lease": offer["lease"], "by": "A. Person"}
            world.answer(agency, stage="acknowledged", **about)
    session = signed_in(context, *Right)
    for path in ("/", "/figures"):
        assert "No agency has had a delivery yet" not in ask(pages, "GET", path, session).text
    listed = squeezed(ask(pages, "GET", "/agencies", session).text)
    count = len(context.policies.latest().directory.organisations)
    assert f"{count} organisations. 0 with late work, 0 silent" in listed
    assert f"{count} as expected." in listed
    for delivery in deliveries:
        found = ask(pages, "GET", f"/agencies?q={delivery['agency']}", session).text
        assert f'href="/ops/agencies/{delivery["agency"]}"' in found
        own = squeezed(ask(pages, "GET", f"/agencies/{delivery['agency']}", session).text)
        assert "Nothing is late or due soon" in own


def test_agencies_are_searched_by_name_place_and_kind_and_paged(
    context: Context, pages: TestClient
) -> None:
    session = signed_in(context, Right.VIEW)

    def codes(query: str) -> list[str]:
        page = ask(pages, "GET", f"/agencies{query}", session).text
        part = re.findall(r'id="agencies-part".*', page, re.DOTALL)[0]
        return re.findall(r'<th scope="row"><a href="/ops/agencies/([a-z0-9-]+)"', part)

    directory = context.policies.latest().directory
    everybody = {organisation.code for organisation in directory.organisations}
    by_page = [codes(f"?page={number}") for number in range(1, len(everybody) // 10 + 2)]
    assert [len(part) for part in by_page[:-1]] == [10] * (len(by_page) - 1)
    assert {code for part in by_page for code in part} == everybody
    in_shropshire = {org.code for org in directory.organisations if "E06000051" in org.areas}
    assert in_shropshire <= set(codes("?q=shropshire") + codes("?q=shropshire&page=2"))
    kinds = {org.code for org in directory.organisations if org.kind == "school"}
    assert set(codes("?kind=school")) == kinds != set()
    assert codes("?q=nobody+has+this+name") == []
    assert codes("?page=99") == []
    assert codes("?page=x&show=x") == by_page[0]


def test_every_problem_is_shown_by_a_part_or_is_work_for_people() -> None:
    """A problem that no list of the page has would be read as a part that works."""
    source = Path(health.__file__).read_text(encoding="utf-8")
    codes = set(re.findall(r'Problem\(\s*f?"([a-z_]+)"', source))
    lanes = {f"no_{lane}" for lane in health.LANES}
    assert codes | lanes == SHOWN | WORK


def test_the_quiet_page_proves_it_by_a_test_referral_and_the_monitor_outside(
    context: Context, clock: FixedClock, pages: TestClient, client: TestClient, key: Key
) -> None:
    """Only what the settings ask for is claimed, with the figures of its row."""
    session = signed_in(context, *Right)
    works(context)
    quiet = ask(pages, "GET", "/", session).text
    assert "Why you can believe this" in quiet
    assert "est referral" not in quiet
    assert "monitor outside" not in quiet

    set_up = replace(
        context,
        settings=replace(
            context.settings,
            test_referral_every=timedelta(minutes=5),
            heartbeat_url="https://monitor.example.org/x",
        ),
    )
    write_report(set_up, GATEWAY, "gateway-1:8", since=clock())
    assert synthetic_test.begin(set_up)
    clock.advance(seconds=1.5)
    assert synthetic_test.run_waiting(set_up)
    context.ledger.health.write_ping(code=None, status=200, now=clock())
    clock.advance(seconds=2)
    at = moment(clock(), clock())

    def shows(sentence: str) -> bool:
        return sentence in squeezed(ask(pages, "GET", "/", session).text)

    # What a page shows may be a few seconds old.
    through = f"One is sent every 5 min. The last came through {at}, in 1.5 seconds."
    assert eventually(lambda: shows(through))
    assert shows(f"It is called each minute and last answered {at}.")
    metrics = client.get("/metrics", headers=key("ops", "ops")).text
    assert "broker_synthetic_seconds 1.5" in metrics
    through_at = (clock() - timedelta(seconds=2)).timestamp()
    for name in ("synthetic_through", "outside_monitor_answered"):
        (value,) = re.findall(rf"^broker_{name}_time_seconds (\S+)$", metrics, re.MULTILINE)
        assert float(value) == through_at

    clock.advance(minutes=16)
    works(context)
    write_report(set_up, GATEWAY, "gateway-1:8", since=clock() - timedelta(hours=1))
    since = f"since {at.removeprefix('today ')}."
    assert eventually(lambda: shows(f"Failing: No test referral has come through {since}"))
    assert shows(f"The monitor outside has not answered {since}")
