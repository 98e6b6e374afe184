"""Limits that must outlast others do, wherever they are written down."""

import re
from pathlib import Path

import yaml
from referral_broker_client import http_client

from broker import time_limits
from broker.flow import notify
from broker.gateway import referrals
from broker.notices import command, email
from broker.transport import http, queues
from tests.conftest import ROOT
from workers.celery_settings import celery_settings


def test_our_own_limit_on_an_answer_lets_postgresql_end_a_statement_first() -> None:
    assert time_limits.STATEMENT < time_limits.ANSWER < time_limits.TRANSACTION


def test_a_gateway_that_ends_waits_longer_than_any_request_takes() -> None:
    assert time_limits.GATEWAY_GRACE > time_limits.BODY
    assert time_limits.GATEWAY_GRACE > time_limits.POOL + time_limits.ANSWER


def test_a_supervisor_waits_longer_than_a_gateway_or_a_worker_takes_to_end() -> None:
    gateway = time_limits.GATEWAY_GRACE + time_limits.CLOSING
    worker = time_limits.SERVICES_GRACE + time_limits.TASK_GRACE + time_limits.CLOSING
    assert max(gateway, worker) < time_limits.SUPERVISOR_GRACE


def test_the_shipped_supervisors_and_the_documents_grant_that_time() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))["services"]
    granted = {
        name: service["stop_grace_period"]
        for name, service in services.items()
        if "stop_grace_period" in service
    }
    assert granted
    assert set(granted.values()) == {f"{time_limits.SUPERVISOR_GRACE:g}s"}
    said = re.findall(r"give\s+it (\d+) s before KILL", _operations())
    assert said == [f"{time_limits.SUPERVISOR_GRACE:g}"]


def test_a_client_waits_longer_than_the_gateway_takes_to_answer() -> None:
    assert http_client.READ_SECONDS > time_limits.REQUEST
    assert referrals.LONGEST_WAIT + http_client.READ_SECONDS > time_limits.REQUEST


def test_readiness_is_answered_before_a_prober_gives_up() -> None:
    assert time_limits.READY <= 3


def test_no_thread_that_works_is_taken_for_one_that_is_stuck() -> None:
    for longest in (
        time_limits.TRANSACTION + time_limits.POOL,
        2 * email.TOTAL_SECONDS,
        2 * http.Limits().total_seconds,
        2 * queues.TRANSPORT_OPTIONS["socket_timeout"],
        celery_settings("redis://127.0.0.1")["broker_transport_options"]["socket_timeout"],
    ):
        assert longest < time_limits.STUCK_AFTER


def _operations() -> str:
    return Path(ROOT / "docs" / "operations.md").read_text(encoding="utf-8")


def test_a_lease_on_notices_lasts_longer_than_a_batch_of_the_slowest() -> None:
    longest = max(email.TOTAL_SECONDS, http.Limits().total_seconds, command.SECONDS)
    assert notify.BATCH * longest < notify.LEASE.total_seconds()
