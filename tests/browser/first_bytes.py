"""Ask each page over a long history, and print how long the first byte takes and what it costs.

``python -m pytest -m proof tests/browser/test_first_byte.py -s`` prints the table.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlencode

import psycopg
import urllib3

from broker.admin import membership
from broker.admin.membership import Invited
from broker.domain.codes import MemberRight
from broker.domain.ids import OrganisationCode
from tests.browser.conftest import Site

TRIES = 5
PAUSE_SECONDS = 1.05
"""A picture of the whole is kept for a second: each try is to make its own."""
_TICK = os.sysconf("SC_CLK_TCK")
Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Timed:
    """What a page took, over all tries."""

    path: str
    status: int
    best_ms: float
    median_ms: float
    gateway_cpu_ms: float
    """Processor time of this process, which asks as well; the median."""
    postgresql_cpu_ms: float
    size: int

    @property
    def line(self) -> str:
        """The row of the table."""
        cells = (self.path, self.best_ms, self.median_ms, self.gateway_cpu_ms)
        return "| {} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {:.0f} |".format(
            *cells, self.postgresql_cpu_ms, self.size / 1000
        )


HEAD = (
    "| page | best ms | median ms | gateway CPU ms | PostgreSQL CPU ms | kB |\n"
    "|---|---|---|---|---|---|"
)


def member(site: Site, organisation: str, *rights: MemberRight) -> Headers:
    """Sign somebody in to an inbox; return what their browser sends."""
    ledger, now = site.context.ledger, site.clock.now
    invited = Invited("Jo Example", "jo@example.org", list(rights))
    code = OrganisationCode(organisation)
    new = site.context.new_id
    id_ = membership.add(ledger, code, invited, by="test", now=now, new_id=new)
    link = membership.new_link(ledger, id_, url=site.url, now=now)
    return _signed_in(site, link, {"next": ""})


def ops(site: Site, *rights: Any) -> Headers:
    """Sign somebody in to the console; return what their browser sends."""
    return _signed_in(site, site.link("Jo Example", *rights), {})


def _signed_in(site: Site, link: str, form: Mapping[str, str]) -> Headers:
    headers = {
        "Sec-Fetch-Site": "same-origin",
        "Origin": site.url,
        "Content-Type": "application/x-www-form-urlencoded",
    }
    with urllib3.PoolManager() as http:
        answer = http.request("POST", link, body=urlencode(form), headers=headers, redirect=False)
    cookie = answer.headers["Set-Cookie"].partition(";")[0]
    return {"Cookie": cookie, "Accept-Encoding": "gzip", "Sec-Fetch-Site": "none"}


def timed(site: Site, path: str, headers: Headers) -> Timed:
    """Ask a page again and again; return what it took."""
    seconds, own, theirs = [], [], []
    with urllib3.PoolManager() as http, psycopg.connect(site.dsn, autocommit=True) as connection:
        server = _parent_of(connection.info.backend_pid)
        for _ in range(TRIES):
            time.sleep(PAUSE_SECONDS)
            cpu, database, began = time.process_time(), _cpu_below(server), time.perf_counter()
            with _first_byte(http, site.url + path, headers) as (answer, first):
                body = answer.read(decode_content=False)
            seconds.append(first - began)
            own.append(time.process_time() - cpu)
            theirs.append(_cpu_below(server) - database)
    return Timed(
        path,
        answer.status,
        best_ms=min(seconds) * 1000,
        median_ms=median(seconds) * 1000,
        gateway_cpu_ms=median(own) * 1000,
        postgresql_cpu_ms=sum(theirs) / TRIES * 1000,
        size=len(body),
    )


@contextmanager
def _first_byte(
    http: urllib3.PoolManager, url: str, headers: Headers
) -> Iterator[tuple[urllib3.BaseHTTPResponse, float]]:
    """Ask for a page; give the answer, and when its headers were there."""
    answer = http.request("GET", url, headers=dict(headers), preload_content=False, redirect=False)
    try:
        yield answer, time.perf_counter()
    finally:
        answer.release_conn()


def _parent_of(process: int) -> int:
    return int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])


def _cpu_below(parent: int) -> float:
    """Return the processor seconds of a process's children that run now."""
    total = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parts = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if int(parts[1]) == parent:
            total += int(parts[11]) + int(parts[12])
    return total / _TICK
