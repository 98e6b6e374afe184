"""``broker doctor`` finds what is wrong, and says the next step."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from redis import Redis

from broker.admin import signing_keys
from broker.admin.publish_policy import publish
from broker.channels.registry import CHANNELS
from broker.devstack.engines import Engines, as_application
from broker.ledger.ledger import Ledger
from broker.ledger_clock import Difference
from broker.policy.published.policy import documents_from
from broker.shipped import POLICY
from tests.conftest import CHILD_KEY, SIGNING_KEY
from tests.unit.cli.conftest import Run, run

__all__ = ["run"]


@pytest.fixture
def healthy(engines: Engines, dsn: str) -> dict[str, str]:
    """An environment in which nothing is wrong: a worker leads."""
    with Ledger.open(dsn, application_name="tests") as ledger:
        now = datetime.now(UTC)
        ledger.sweep.hold_lead("sweep", "a worker", for_=timedelta(minutes=1), now=now)
    with Ledger.open(dsn, application_name="tests") as ledger:
        signing_keys.publish_signing_key(ledger, SIGNING_KEY, now=datetime.now(UTC))
    return {
        "BROKER_DATABASE_URL": as_application(dsn),
        "BROKER_WAKEUP_URL": engines.wakeup_url,
        "BROKER_EXCHANGE_URL": engines.exchange_url,
        "BROKER_CHILD_KEY": CHILD_KEY.hex(),
        "BROKER_SIGNING_KEY": SIGNING_KEY,
        "BROKER_SMTP_URL": "smtp://127.0.0.1:9",
    }


def faults(run: Run, environment: Mapping[str, str]) -> dict[str, Any]:
    """Run the doctor; return the findings that are faults, by the name of their check."""
    ran = run("doctor", "--json", **environment)
    report = json.loads(ran.out)
    faulty = {finding["check"]: finding for finding in report["findings"] if not finding["ok"]}
    assert (ran.code, report["ok"]) == ((1, False) if faulty else (0, True))
    return faulty


def test_where_nothing_is_wrong_it_says_so(run: Run, healthy: dict[str, str]) -> None:
    assert faults(run, healthy) == {}
    assert "FAULT" not in run("doctor", **healthy).out


def test_it_says_how_many_calls_keys_may_make(run: Run, healthy: dict[str, str], dsn: str) -> None:
    issue = ("keys", "issue", "ops", "--scope", "ops")
    owner = {"BROKER_DATABASE_URL": dsn}
    run(*issue, **owner)
    run(*issue, "--calls-per-second", "500", **owner)
    findings = json.loads(run("doctor", "--json", **healthy).out)["findings"]
    (text,) = [finding["detail"] for finding in findings if finding["check"] == "keys"]
    assert text == "2 in use, 200 calls a second each; limits of their own: 1, up to 500"


@pytest.mark.parametrize("is_led", [True, False])
def test_it_changes_nothing(run: Run, healthy: dict[str, str], dsn: str, is_led: bool) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        if not is_led:
            connection.execute("delete from lead")
        before = connection.execute("select name, holder, until from lead").fetchall()
        name = connection.info.dbname
        connection.execute(f"alter database {name} set default_transaction_read_only = on".encode())
        assert list(faults(run, healthy)) == ([] if is_led else ["workers"])
        assert connection.execute("select name, holder, until from lead").fetchall() == before


def test_a_lead_for_longer_than_any_is_no_lead(run: Run, healthy: dict[str, str], dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute("update lead set until = clock_timestamp() + interval '1 hour'")
    assert list(faults(run, healthy)) == ["workers"]


def test_a_process_whose_clock_is_wrong_is_named(
    run: Run, healthy: dict[str, str], dsn: str
) -> None:
    with Ledger.open(dsn, application_name="tests") as ledger:
        ledger.process_clocks.report("gateway north:7", Difference(600.0, 0.1, 30.0))
    faulty = faults(run, healthy)
    assert list(faulty) == ["clocks"]
    assert "gateway north:7: 600.0 s ahead of the ledger's clock" in faulty["clocks"]["detail"]
    assert "NTP" in faulty["clocks"]["next_step"]


def test_alarms_that_no_channel_can_send_are_a_fault(run: Run, healthy: dict[str, str]) -> None:
    faulty = faults(run, healthy | {"BROKER_SMTP_URL": ""})
    assert list(faulty) == ["notices"]
    assert "A warning alerts the duty of the agency" in faulty["notices"]["detail"]
    assert "BROKER_SMTP_URL" in faulty["notices"]["next_step"]
    refused = run("policy", "publish", str(POLICY), **healthy | {"BROKER_SMTP_URL": ""})
    assert refused.code != 0
    assert "No channel for these alarms is set" in refused.err
    allowed = run(
        "policy", "publish", "--allow-unset", str(POLICY), **healthy | {"BROKER_SMTP_URL": ""}
    )
    assert allowed.code == 0, allowed.err
    assert run("policy", "publish", str(POLICY), **healthy).code == 0


def test_a_notice_that_failed_today_is_a_fault(run: Run, healthy: dict[str, str], dsn: str) -> None:
    with psycopg.connect(dsn) as connection:
        connection.execute(
            b"""insert into notice (id, kind, organisation, contact, channel, state, code,
                                    created_at, ended_at)
                values (gen_random_uuid(), 'organisation.escalated', 'stoke-csc', 'duty', 'email',
                        'failed', 'recipient_refused', now(), now())"""
        )
    faulty = faults(run, healthy)
    assert list(faulty) == ["notices"]
    assert "1 has failed" in faulty["notices"]["detail"]
    assert "broker notices list --state failed" in faulty["notices"]["next_step"]


@pytest.mark.parametrize("check", ["wake-ups", "exchange"])
def test_a_valkey_that_would_throw_messages_away_is_a_fault(
    run: Run, healthy: dict[str, str], check: str
) -> None:
    name = {"wake-ups": "BROKER_WAKEUP_URL", "exchange": "BROKER_EXCHANGE_URL"}[check]
    with Redis.from_url(healthy[name]) as valkey:
        valkey.config_set("maxmemory-policy", "allkeys-lru")
        try:
            faulty = faults(run, healthy)
        finally:
            valkey.config_set("maxmemory-policy", "noeviction")
    assert list(faulty) == [check]
    assert "allkeys-lru" in faulty[check]["detail"]
    assert faulty[check]["next_step"] == "set its maxmemory-policy to noeviction"


@pytest.mark.parametrize(
    ("name", "value", "checks"),
    [
        ("BROKER_WAKEUP_URL", "redis://127.0.0.1:9/0", {"wake-ups"}),
        ("BROKER_EXCHANGE_URL", "redis://127.0.0.1:9/0", {"exchange", "channels"}),
        ("BROKER_DATABASE_URL", "postgresql://127.0.0.1:9/x", {"ledger"}),
        ("BROKER_LOG_LEVEL", "loud", {"settings"}),
    ],
)
def test_what_does_not_answer_or_is_wrongly_set_is_named_with_a_next_step(
    run: Run,
    healthy: dict[str, str],
    name: str,
    value: str,
    checks: set[str],
) -> None:
    faulty = faults(run, {**healthy, name: value})
    assert set(faulty) == checks
    assert all(finding["next_step"] for finding in faulty.values())


def test_a_ledger_without_tables_needs_migrating(
    run: Run, healthy: dict[str, str], engines: Engines
) -> None:
    faulty = faults(run, {**healthy, "BROKER_DATABASE_URL": engines.database_url})
    assert "broker migrate" in faulty["ledger"]["next_step"]


def test_without_a_worker_nobody_sweeps(run: Run, healthy: dict[str, str], dsn: str) -> None:
    with Ledger.open(dsn, application_name="tests") as ledger:
        now = datetime.now(UTC)
        ledger.sweep.hold_lead("sweep", "a worker", for_=timedelta(0), now=now)
    assert "broker worker" in faults(run, healthy)["workers"]["next_step"]


def test_without_a_key_nobody_counts_low_referrals(run: Run, healthy: dict[str, str]) -> None:
    keyless = {name: value for name, value in healthy.items() if name != "BROKER_CHILD_KEY"}
    faulty = faults(run, keyless)
    assert set(faulty) == {"children"}
    assert "BROKER_CHILD_KEY" in faulty["children"]["next_step"]


@pytest.mark.parametrize(("days", "ok", "mark"), [(60, True, "WARN"), (-1, False, "FAULT")])
def test_what_ends_is_a_warning_before_and_a_fault_after(
    run: Run, healthy: dict[str, str], dsn: str, days: int, ok: bool, mark: str
) -> None:
    now = datetime.now(UTC)
    term = f"    terms: &terms\n      - 2026-01-05 to {(now + timedelta(days=days)).date()}\n"
    documents = documents_from(POLICY)
    directory = re.sub(
        r"    terms: &terms\n(      - .*\n)+", term, documents["directory.yaml"], count=1
    )
    with Ledger.open(dsn, application_name="tests") as ledger:
        publish(ledger, documents | {"directory.yaml": directory}, now=now, channels=CHANNELS.forms)
    ran = run("doctor", "--json", **healthy)
    (finding,) = [
        finding for finding in json.loads(ran.out)["findings"] if finding["check"] == "calendars"
    ]
    assert (finding["ok"], finding["warning"], ran.code) == (ok, ok, 0 if ok else 1)
    assert "the term dates of school-900001 end on" in finding["detail"]
    assert "broker policy publish" in finding["next_step"]
    assert mark in run("doctor", **healthy).out


@pytest.mark.parametrize(
    ("check", "name"), [("wake-ups", "BROKER_WAKEUP_URL"), ("exchange", "BROKER_EXCHANGE_URL")]
)
@pytest.mark.parametrize("rights", [("~other:*", "+@all"), ("~*", "+ping", "+client", "+select")])
def test_rights_that_the_work_needs_are_asked_for(
    run: Run, healthy: dict[str, str], check: str, name: str, rights: tuple[str, ...]
) -> None:
    """It answers a PING, and every wake-up, copy or receipt would fail."""
    with Redis.from_url(healthy[name]) as broker:
        broker.execute_command("ACL", "SETUSER", "narrow", "reset", "on", ">hush", *rights)
        try:
            parts = urlsplit(healthy[name])
            narrow = f"redis://narrow:hush@{parts.hostname}:{parts.port}/0"
            found = faults(run, {**healthy, name: narrow})[check]
            wrong = faults(run, {**healthy, name: narrow.replace("hush", "guess")})[check]
        finally:
            broker.execute_command("ACL", "DELUSER", "narrow")
    assert "permission" in found["detail"].lower()
    assert "user or password is wrong" in wrong["detail"]
    assert "guess" not in wrong["detail"]
