"""The status page stays light with 200 agencies, 5,000 open deliveries and a history."""

import gzip

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


@pytest.fixture(scope="module")
def busy(site: Site) -> Site:
    with psycopg.connect(site.dsn, autocommit=True) as connection:
        connection.execute(AGENCIES)
        told = {"now": NOW, "count": 4840}
        connection.execute(DAY.replace("'OCC/2027/'", "'BIG/2027/'").encode(), told)
        connection.execute("analyze")
    return site


@pytest.mark.parametrize("deliveries", [0, 100_000])
def test_the_page_is_light(busy: Site, visit, deliveries: int) -> None:
    if deliveries:
        history.make(busy.dsn, deliveries)
    (cookie,) = visit("/ops/sign-in").context.cookies()
    headers = {"Cookie": f"{cookie['name']}={cookie['value']}", "Accept-Encoding": "gzip"}
    with urllib3.PoolManager() as http:
        answer = http.request("GET", f"{busy.url}/ops/", headers=headers, decode_content=False)
    page = gzip.decompress(answer.data).decode()
    assert page.count('<th scope="row"><a href="/ops/agencies/') >= 200
    assert len(answer.data) < 60_000
    assert "GDS Transport" not in page
