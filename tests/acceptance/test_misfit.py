"""A process whose version does not fit the ledger's tables neither starts nor goes on."""

import json
import urllib.error
import urllib.request
from pathlib import Path

import psycopg

from broker.devstack.engines import Engines
from tests.acceptance.stack import Stack
from tests.conftest import eventually
from workers.services import MISFIT

TAKE_AWAY = """
insert into migration (name, sha256, works_from) values ('9999_gone', '', 9999)
"""


def reason(url: str) -> str:
    """Return why a gateway is not ready; empty while it is."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=5):
            return ""
    except urllib.error.HTTPError as error:
        return str(json.loads(error.read())["detail"])


def test_what_no_longer_fits_turns_unready_or_ends_and_does_not_start_again(
    engines: Engines, dsn: str, tmp_path: Path
) -> None:
    with Stack(engines, dsn, tmp_path) as stack:
        with psycopg.connect(dsn) as owner:
            owner.execute(TAKE_AWAY)
        assert "does not fit the ledger's tables" in eventually(lambda: reason(stack.url))
        (worker,) = stack.workers
        assert worker.wait(60) == MISFIT
        again = stack.start_worker()
        stack.workers.append(again)
        assert again.wait(60) == 1
        stack.kill_gateway()
        stack.start_gateway()
        assert stack.gateway is not None
        assert stack.gateway.wait(60) == 1
    log = (tmp_path / "log").read_text(encoding="utf-8")
    assert log.count("9999_gone took away what this version needs") == 2
    assert "next:  start the version that migrated the ledger" in log
    assert '"cause":"schema"' in log.replace('": "', '":"')
