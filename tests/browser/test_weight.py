"""The status page stays light and quick with 200 agencies, 5,000 open deliveries and a history."""

import gzip
import time

import psycopg
import pytest
import urllib3

from tests.browser import history
from tests.browser.conftest import DAY, NOW, Site

AGENCIES = """
insert into organisation (code, name, kind, channel)
select 'agency-' || n, 'Council number ' || n || ' social care', 'social-care', 'mailbox'
from generate_series(1, 178) n
"""
LIMIT_SECONDS = 0.15
MOST_TRIES = 30


@pytest.fixture(scope="module")
def busy(site: Site) -> Site:
    with psycopg.connect(site.dsn, autocommit=True) as connection:
        connection.execute(AGENCIES)
        told = {"now": NOW, "count": 4840}
        connection.execute(DAY.replace("'OCC/2027/'", "'BIG/2027/'").encode(), told)
        connection.execute("analyze")
    return site


@pytest.mark.parametrize(
    "deliveries", [0, 100_000, pytest.param(1_000_000, marks=pytest.mark.proof)]
)
def test_the_page_is_light_and_quick(busy: Site, visit, deliveries: int) -> None:
    if deliveries:
        history.make(busy.dsn, deliveries)
    (cookie,) = visit("/ops/sign-in").context.cookies()
    headers = {"Cookie": f"{cookie['name']}={cookie['value']}", "Accept-Encoding": "gzip"}
    seconds = []
    with urllib3.PoolManager() as http:
        # Other work on the machine can only slow it down: the best of some counts.
        while len(seconds) < MOST_TRIES and min(seconds, default=LIMIT_SECONDS) >= LIMIT_SECONDS:
            time.sleep(1.1)  # a picture is kept for a second
            began = time.monotonic()
            answer = http.request("GET", f"{busy.url}/ops/", headers=headers, decode_content=False)
            seconds.append(time.monotonic() - began)
    page = gzip.decompress(answer.data).decode()
    assert page.count('<th scope="row"><a href="/ops/agencies/') >= 200
    assert len(answer.data) < 60_000
    assert min(seconds) < LIMIT_SECONDS
    assert "GDS Transport" not in page
