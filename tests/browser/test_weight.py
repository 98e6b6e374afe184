"""The status page stays light with 200 agencies, 5,000 open deliveries and a history."""

import gzip
import time
from collections.abc import Callable

import psycopg
import pytest
import urllib3
from playwright.sync_api import Page

from tests.browser import history
from tests.browser.conftest import DAY, NOW, Site

AGENCIES = """
insert into organisation (code, name, kind, channel)
select 'agency-' || n, 'Council number ' || n || ' social care', 'social-care', 'mailbox'
from generate_series(1, 178) n
"""
LIMIT_SECONDS = 0.15
MOST_TRIES = 30
PAGES = {"": 5, "figures": 200, "agencies": 10}
"""Pages that grow with the directory, and how many links to agencies each has at least."""


@pytest.fixture(scope="module")
def busy(site: Site) -> Site:
    with psycopg.connect(site.dsn, autocommit=True) as connection:
        connection.execute(AGENCIES)
        params = {"now": NOW, "count": 4840}
        connection.execute(DAY.replace("'OCC/2027/'", "'BIG/2027/'").encode(), params)
        connection.execute("analyze")
    return site


@pytest.fixture
def fetch(busy: Site, visit: Callable[..., Page]) -> Callable[[str], bytes]:
    """Fetch a page for ops as it is sent, compressed."""
    (cookie,) = visit("/ops/sign-in").context.cookies()
    headers = {
        "Cookie": f"{cookie['name']}={cookie['value']}",
        "Accept-Encoding": "gzip",
        "Sec-Fetch-Site": "none",
    }

    def page(path: str) -> bytes:
        with urllib3.PoolManager() as http:
            url = f"{busy.url}/ops/{path}"
            return http.request("GET", url, headers=headers, decode_content=False).data

    return page


@pytest.mark.parametrize(("path", "links"), PAGES.items())
@pytest.mark.parametrize("deliveries", [0, pytest.param(100_000, marks=pytest.mark.proof)])
def test_the_page_is_light(
    busy: Site, fetch: Callable[[str], bytes], deliveries: int, path: str, links: int
) -> None:
    if deliveries:
        history.make(busy.dsn, deliveries)
    sent = fetch(path)
    page = gzip.decompress(sent).decode()
    assert page.count('href="/ops/agencies/') >= links
    assert len(sent) < 60_000
    assert "GDS Transport" not in page


@pytest.mark.proof
@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("deliveries", [100_000, 1_000_000])
def test_the_page_is_quick(
    busy: Site, fetch: Callable[[str], bytes], deliveries: int, path: str
) -> None:
    history.make(busy.dsn, deliveries)
    seconds: list[float] = []
    # Other work on the machine can only slow it down: the best of some counts.
    while len(seconds) < MOST_TRIES and min(seconds, default=LIMIT_SECONDS) >= LIMIT_SECONDS:
        time.sleep(1.1)  # a picture is kept for a second
        began = time.monotonic()
        fetch(path)
        seconds.append(time.monotonic() - began)
    assert min(seconds) < LIMIT_SECONDS
