"""The page of all figures shows those of a recount from the raw rows."""

import re
import time
from collections import Counter
from html import unescape

import pytest
from starlette.testclient import TestClient

from broker.dashboard.organisation_names import names_of
from broker.dashboard.snapshot import AT_ONCE, Watch
from broker.dashboard.wording import BAND_NAMES, GRADE_NAMES, age
from broker.domain.codes import Right
from broker.errors import Unavailable
from broker.flow.context import Context
from broker.flow.health_watch import HealthWatch
from broker.ledger.monitoring import Monitoring
from tests.conftest import FixedClock
from tests.integration.gateway.test_rights import ask, pages, signed_in
from tests.integration.ledger.conftest import NOW
from tests.recount import (
    AGENCIES,
    Row,
    band,
    is_open,
    made,
    missed,
    open_rows,
    unacknowledged,
    unmet,
)

__all__ = ["pages"]


def table(page: str, label: str) -> dict[str, list[str]]:
    """Return a table's cells by the head of their row."""
    (body,) = re.findall(rf'aria-label="{label}">(.*?)</table>', page, re.DOTALL)
    rows = {}
    for row in re.findall(r'<tr>\s*<th scope="row">(.*?)</tr>', body, re.DOTALL):
        head, *cells = (text(cell) for cell in re.split(r"</?t[hd][^>]*>", row) if text(cell))
        rows[head] = cells
    return rows


def text(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html)).strip()


def sentence_of(page: str, id_: str) -> str:
    (sentence,) = re.findall(rf'<p[^>]* id="{id_}"[^>]*>(.*?)</p>', page)
    return text(sentence)


def is_late(row: Row) -> bool:
    return row["state"] != "held" and min(unmet(row).values(), default=NOW) < NOW


@pytest.mark.parametrize("seed", range(2))
def test_the_page_tells_what_is_in_the_tables(
    context: Context, dsn: str, clock: FixedClock, pages: TestClient, seed: int
) -> None:
    rows, clock.now = made(dsn, seed), NOW
    page = ask(pages, "GET", "/figures", signed_in(context, Right.VIEW)).text
    work = open_rows(rows)
    deliveries = [row for row in rows if row["what"] == "delivery" and is_open(row)]

    bands = Counter((band(row), row["grade"]) for row in work)
    shown = table(page, "Open work by time left and grade")
    for name, label in BAND_NAMES.items():
        counts = [bands[name, grade] for grade in GRADE_NAMES]
        assert shown[label] == [str(count) for count in [*counts, sum(counts)]]

    names = names_of(context)
    agencies = table(page, "Agencies, worst first")
    for code in AGENCIES:
        own = [row for row in deliveries if row["agency"] == code]
        cells = agencies[names.of(code)]
        assert cells[:2] == [str(len(own)), str(sum(map(is_late, own)))]
        assert cells[3] == age(min(unacknowledged(own), default=None), NOW)

    still_open = [lasts for row in rows for lasts in missed(row).values()]
    finding = f"{len(still_open)} deadlines missed, {sum(still_open)} still open"
    assert sentence_of(page, "breaches-found").startswith(finding)
    unroutable = sum(row["what"] == "referral" for row in rows)
    assert re.search(rf"<dt>No agency matched</dt><dd><a[^>]*>{unroutable}</a>", page)


def test_a_picture_leaves_no_queries_behind_while_the_ledger_does_not_answer(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would wait for the ledger in turn, and the next visitor for all of them."""
    queries = []

    def unavailable(*_: object, **__: object) -> None:
        queries.append(1)
        time.sleep(0.1)
        raise Unavailable("The ledger does not answer.")

    monkeypatch.setattr(Monitoring, "_planned", unavailable)
    watch = Watch(context, HealthWatch(context))
    with pytest.raises(Unavailable):
        watch.picture("24h", "1h")
    time.sleep(0.5)
    assert 1 <= len(queries) <= 2 * AT_ONCE
