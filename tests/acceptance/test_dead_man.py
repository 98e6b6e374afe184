"""Real processes: a gateway without workers alerts by mail, and sweeps where it is told to."""

import urllib.request
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from broker.devstack.engines import Engines
from tests.acceptance.conftest import sample
from tests.acceptance.stack import Stack
from tests.acceptance.test_stops_and_logs import call
from tests.conftest import eventually
from tests.integration.conftest import mail
from tests.mail_server import MailServer

__all__ = ["mail"]
Key = Callable[..., dict[str, str]]
DEADLINES = """
update delivery set acknowledge_by = now() + interval '20 seconds', next_alarm_at = now()
where acknowledged_at is null
"""


def ask(dsn: str, question: str) -> list[tuple[object, ...]]:
    with psycopg.connect(dsn) as connection:
        cursor = connection.execute(question.encode())
        return cursor.fetchall() if cursor.description else []


@pytest.mark.proof
def test_all_workers_are_dead_and_the_gateway_says_so(
    engines: Engines, dsn: str, tmp_path: Path, key: Key, mail: MailServer
) -> None:
    """Killed over due deadlines, with an immediate referral behind them; then started again."""
    police, ops = key("staffordshire-police", "publish"), key("ops", "ops")
    with Stack(engines, dsn, tmp_path, workers=1, BROKER_SMTP_URL=mail.url) as stack:
        call(stack, "/v1/referrals", police, sample(2))
        eventually(lambda: ask(dsn, "select 1 from delivery"))
        stack.workers.pop().kill()
        ask(dsn, DEADLINES)
        assert call(stack, "/v1/referrals", police, sample(1))[0] in (201, 202)
        eventually(lambda: mail.got, within=240)
        ((recipients, letter),) = mail.got
        assert recipients == ["duty@broker.example.org"]
        assert "The broker has stopped" in letter
        health = call(stack, "/v1/attention", ops)[2]["health"]
        assert health["level"] == "stopped"
        assert health["sentence"].startswith("No worker has run")
        assert health["figures"]["unrouted"] >= 1
        assert ask(dsn, "select state from notice where data ? 'outage'") == [("sent",)]
        stack.workers.append(stack.start_worker())
        eventually(lambda: "works again" in "".join(text for _, text in mail.got), within=240)
        assert ask(dsn, "select count(*) from outage where ended_at is not null") == [(1,)]


@pytest.mark.proof
def test_a_gateway_that_may_sweep_does_what_a_worker_does(
    engines: Engines, dsn: str, tmp_path: Path, key: Key
) -> None:
    """Without any worker a referral is routed, and every lane has somebody in it."""
    police = key("staffordshire-police", "publish")
    with Stack(engines, dsn, tmp_path, workers=0, BROKER_GATEWAYS_SWEEP="yes") as stack:
        assert call(stack, "/v1/referrals", police, sample(1))[0] in (201, 202)
        eventually(lambda: ask(dsn, "select 1 from referral where state = 'routed'"), within=120)
        lanes = "select name from lead where name = any('{sweep,watch,notify,silence}')"
        eventually(lambda: len(ask(dsn, lanes)) == 4, within=120)
        gateway = stack.gateway
        assert gateway is not None
        assert urllib.request.urlopen(f"{stack.url}/livez").status == 200
        gateway.terminate()
        assert gateway.wait(60) == 0
