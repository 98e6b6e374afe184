"""The pages in a real Chromium, against a real ledger that holds a bad day's work."""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import psycopg
import pytest
import urllib3
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from broker.admin import sign_in
from broker.bootstrap import new_uuid7, open_broker
from broker.devstack.engines import Engines, as_application
from broker.domain.codes import Right
from broker.flow.context import Context
from broker.settings import Settings
from tests.conftest import FixedClock
from tests.integration.gateway.conftest import listening

PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first does no more than tests need: a new window costs a quarter of what it costs others."""
CHROMIUM = next(filter(None, map(shutil.which, PROGRAMS)), None)
QUIET = [
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
PATIENCE = 60_000
"""How long a page may take, in milliseconds: long, since the machine may be busy."""
NOW = datetime(2027, 4, 7, 9, 0, tzinfo=UTC)
AXE = Path(__file__).parent / "vendor" / "axe.min.js"
DAY = """
with agencies as (
    select code, row_number() over (order by code) as n from organisation where kind <> 'ops'
),
made as (
    insert into referral (id, publisher, reference, digest, state, accepted_at, routed_at, grade,
                          effective_grade, policy_version)
    select gen_random_uuid(), 'staffordshire-police', 'OCC/2027/' || lpad(n::text, 6, '0'),
           decode(repeat('00', 32), 'hex'), 'routed', %(now)s - make_interval(mins => n %% 400),
           %(now)s - make_interval(mins => n %% 400), g, g, (select version from policy limit 1)
    from generate_series(1, %(count)s) n
    cross join lateral (
        select (array['immediate', 'very_high', 'high', 'medium', 'low'])[1 + n %% 5] as g) graded
    returning id, accepted_at, reference, effective_grade
),
numbered as (
    select *, row_number() over (order by reference) as n from made
),
content as (
    insert into referral_content (referral, body)
    select id, convert_to(json_build_object('reference', reference, 'narrative',
                                            'MARKED-CONTENT-4711')::text, 'UTF8')
    from numbered
),
delivered as (
    insert into delivery (id, referral, agency, channel, role, policy_row, view, state,
                          available_at, clock_start, acknowledge_by, decide_by, collected_at,
                          acknowledged_at, refused_because, undeliverable_at, attempt)
    select gen_random_uuid(), id, agencies.code, 'mailbox', 'lead', 'social-care', 'social-care',
           case when numbered.n %% 9 = 0 then 'acknowledged'
                when numbered.n %% 7 = 0 then 'collected'
                when numbered.n %% 23 = 0 then 'undeliverable' else 'available' end,
           accepted_at, accepted_at, accepted_at + hours.h, accepted_at + interval '1 day',
           case when numbered.n %% 9 = 0 or numbered.n %% 7 = 0
                then accepted_at + interval '2 minutes' end,
           case when numbered.n %% 9 = 0 then accepted_at + interval '40 minutes' end,
           case when numbered.n %% 23 = 0 and numbered.n %% 9 > 0 and numbered.n %% 7 > 0
                then 'too-large' end,
           case when numbered.n %% 23 = 0 then accepted_at end, (numbered.n %% 3)::int
    from numbered
    join agencies on agencies.n = 1 + numbered.n %% (select count(*) from agencies)
    cross join lateral (select case effective_grade when 'immediate' then interval '1 hour'
                               when 'very_high' then interval '4 hours'
                               else interval '400 minutes' end as h) hours
    returning id, referral, agency, state
),
reasons as (
    insert into delivery_reason (delivery, scope, explanation)
    select id, '{"children": ["child-1"], "persons": []}',
           '{"sentence": "A child who may be at risk lives in this area.", "basis": "statute",
             "source": "Children Act 1989 section 47", "recipient": "the council of the area",
             "because": ["child-1 lives there"],
             "deadlines": [{"milestone": "acknowledge", "words": "4 hours after acceptance"}]}'
    from delivered
)
insert into event (at, kind, publisher, referral, delivery, agency, actor)
select %(now)s, 'delivery.available', 'staffordshire-police', referral, id, agency, 'broker'
from delivered
"""


CORRECTED = """
with corrected as (
    update referral set version = 2 where id = %(id)s returning id, publisher
),
content as (
    insert into referral_content (referral, version, body)
    select id, 2, convert_to('{"narrative": "MARKED-CONTENT-4711"}', 'UTF8') from corrected
),
version as (
    insert into correction (referral, version, digest, accepted_at, actor)
    select id, 2, decode(repeat('01', 32), 'hex'), %(now)s, 'key:police' from corrected
)
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s, step.kind, publisher, corrected.id, delivery.id, delivery.agency, 'broker',
       step.data::jsonb
from corrected
join (values ('referral.routed', false, '{}'), ('referral.revised', false, '{"version": 2}'),
             ('referral.regraded', false, '{"version": 2, "grade_before": "low",
               "grade": "immediate", "effective_grade_before": "low",
               "effective_grade": "immediate"}'),
             ('delivery.rescheduled', true, '{"grade_before": "low", "grade": "immediate",
               "deadlines": [{"milestone": "acknowledge", "due": "2027-04-07T08:20:00+01:00",
               "due_before": "2027-04-08T16:00:00+01:00"}]}'))
     as step (kind, of_delivery, data) on true
left join delivery on step.of_delivery and delivery.referral = corrected.id
"""


@dataclass
class Site:
    """The address of the pages, what is behind them, and how to come in."""

    url: str
    context: Context
    clock: FixedClock
    dsn: str

    def link(self, name: str, *rights: Right) -> str:
        """Return the address of a one-time link for somebody with these rights."""
        ledger, now = self.context.ledger, self.clock.now
        sign_in.add(ledger, name, rights, now=now, new_id=new_uuid7)
        return f"{self.url}/ops/sign-in/{sign_in.link(ledger, name, now=now)}"

    def cookie(self, name: str, *rights: Right) -> dict[str, str]:
        """Sign somebody in without a browser, and return the cookie that a browser would hold."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        with urllib3.PoolManager() as http:
            address = self.link(name, *rights)
            response = http.request("POST", address, body="", headers=form, redirect=False)
        (cookie,) = SimpleCookie(response.headers["Set-Cookie"]).values()
        return {"name": cookie.key, "value": cookie.value, "url": self.url}

    @contextmanager
    def later(self, **how_far: float) -> Iterator[None]:
        """Move the clock on for a while."""
        was = self.clock.now
        self.clock.advance(**how_far)
        try:
            yield
        finally:
            self.clock.now = was

    def look(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []


@pytest.fixture(scope="module")
def site(engines: Engines, template: str) -> Iterator[Site]:
    """The pages over a ledger with a bad day's work, whose clock stands until it is moved."""
    name = f"pages_{time.monotonic_ns()}"
    with psycopg.connect(engines.database_url, autocommit=True) as connection:
        connection.execute(
            f"create database {name} template {template} strategy file_copy".encode()
        )
    dsn = engines.database_url.replace("/postgres?", f"/{name}?")
    fill(dsn, 160)
    clock = FixedClock(NOW)
    settings = Settings(as_application(dsn), engines.wakeup_url, engines.exchange_url)
    with open_broker(settings, process="tests", clock=clock) as context, listening(context) as url:
        yield Site(url, context, clock, dsn)


def fill(dsn: str, count: int) -> None:
    """Make so many referrals, a delivery each, of the last seven hours."""
    with psycopg.connect(dsn) as connection:
        connection.execute(DAY.encode(), {"now": NOW, "count": count})
    with psycopg.connect(dsn) as connection:
        (id_,) = connection.execute(
            "select referral from delivery where acknowledge_by < %s"
            " and acknowledged_at is null order by acknowledge_by limit 1",
            [NOW],
        ).fetchone()
        connection.execute(
            "insert into escalation (id, ladder, policy_version, milestone, referral, delivery,"
            " organisation, due_at, began_at, step, next_step_at)"
            " select gen_random_uuid(), 'usual', (select version from policy limit 1),"
            " 'acknowledge', referral, id, agency, acknowledge_by, acknowledge_by, 1, %s"
            " from delivery where referral = %s",
            [NOW + timedelta(minutes=5), id_],
        )
        connection.execute(CORRECTED.encode(), {"id": id_, "now": NOW})


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium."""
    if CHROMIUM is None:
        pytest.skip("There is no Chromium here: apt-get install chromium-headless-shell.")
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield opened
        opened.close()


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Callable[..., Page]]:
    """Open a page as somebody: ``visit("/ops/", Right.ACT, dark=True, width=320)``.

    With ``by_button=True`` they sign in as a person does, which costs two pages more.
    """
    contexts: list[BrowserContext] = []

    def go(
        path: str,
        *rights: Right,
        width: int = 1280,
        by_button: bool = False,
        **options: Any,
    ) -> Page:
        scheme = "dark" if options.pop("dark", False) else "light"
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, **options
        )
        context.set_default_timeout(PATIENCE)
        contexts.append(context)
        page = context.new_page()
        if by_button:
            page.goto(site.link("Jo Example", *(rights or list(Right))))
            page.get_by_role("button", name="Sign in").click()
        else:
            context.add_cookies([site.cookie("Jo Example", *(rights or list(Right)))])
        page.goto(f"{site.url}{path}")
        return page

    yield go
    for context in contexts:
        context.close()
