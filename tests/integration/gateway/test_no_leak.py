"""Content that is marked shows up in no log, metric, page, trace or wake-up message."""

import base64
import io
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import structlog
from joserfc import jws
from kombu import Connection, Producer
from redis import Redis
from referral_broker_client import Publisher
from starlette.testclient import TestClient

from broker.admin import sign_in
from broker.admin.api_keys import issue
from broker.devstack.engines import Engines
from broker.devstack.rebase_times import rebase
from broker.domain.codes import Right, Scope
from broker.domain.ids import OrganisationCode
from broker.flow.context import Context
from broker.ledger.ledger import Ledger
from broker.transport.wakeups import KEY_PREFIX
from tests.acceptance.conftest import World, sample, world  # noqa: F401
from tests.acceptance.stack import Stack
from tests.collector import Collector, collector_fixture, traced_settings  # noqa: F401
from tests.conftest import FixedClock, eventually

MARK = "Zebrahollow"
QUEUED, MOVED = "stoke-csc", ("E10000028", "E06000021")
"""An agency with a queue of its own, and what makes a child of sample 2 live there."""


def marked() -> dict[str, Any]:
    """Return a referral to an agency with a queue, with marked content."""
    document = sample(2)
    name = document["children"][0]["family_name"]
    text = json.dumps(document).replace(name, MARK).replace(*MOVED)
    return dict(json.loads(text))


def in_valkey(url: str) -> dict[str, str]:
    """Return what every list of a Valkey holds; the other keys by their names alone."""
    with Redis.from_url(url) as valkey:
        names = list(valkey.scan_iter())
        return {
            name.decode(): "".join(map(readable, valkey.lrange(name, 0, -1)))
            if valkey.type(name) == b"list"
            else ""
            for name in names
        }


def readable(message: bytes) -> str:
    """Return a message with its body, which Kombu writes in base64, and a copy's own content."""
    body = base64.b64decode(json.loads(message)["body"])
    # Copies are compact JWS, wake-ups are JSON.
    content = body if body.startswith((b"{", b"[")) else jws.extract_compact(body).payload
    return message.decode() + body.decode() + content.decode()


def test_marked_content_leaks_nowhere(  # noqa: PLR0917
    context: Context,
    client: TestClient,
    clock: FixedClock,
    collector: Collector,
    key: Any,
    world: World,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
    log_from: Any,
) -> None:
    log = io.StringIO()
    log_from("debug")
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(log))
    status = world.routed(marked())
    (delivery,) = status["deliveries"]
    assert delivery["agency"] == QUEUED
    broken = marked() | {"reference": "OCC/2027/9", "unknown": MARK}
    world.routed(broken)
    queues = in_valkey(context.settings.exchange_url)
    assert [name for name, held in queues.items() if MARK in held] == [f"agency.{QUEUED}"]
    clock.advance(days=9)
    sign_in.add(context.ledger, "Jo Example", list(Right), now=clock.now, new_id=context.new_id)
    link = sign_in.link(context.ledger, "Jo Example", now=clock.now)
    client.base_url = client.base_url.copy_with(host="localhost")
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    signed_in = client.post(f"/ops/sign-in/{link}", content="", headers=form)
    assert signed_in.status_code == 200
    seen = {
        path: client.get(path).text
        for path in (
            "/ops/",
            "/ops/attention",
            f"/ops/agencies/{delivery['agency']}",
            f"/ops/referrals/{status['id']}",
            f"/ops/act/reveal/{status['id']}",
            f"/ops/search?q={status['reference']}",
            "/ops/replays",
        )
    }
    assert status["reference"] in seen[f"/ops/referrals/{status['id']}"]
    seen["metrics"] = client.get("/metrics", headers=key("ops", "ops")).text
    seen["wake-ups"] = str(in_valkey(context.settings.wakeup_url))
    seen["names of queues"] = str(list(in_valkey(context.settings.exchange_url)))
    world.answer(delivery["agency"], delivery=delivery["id"], stage="acknowledged", by=MARK)
    assert context.traces is not None
    context.traces.close()
    assert set(collector.of(status["id"])) == {"accept", "route", "dispatch", "answer"}
    seen["traces"] = b"".join(collector.bodies).decode("latin-1")
    assert status["reference"] not in seen["traces"]
    logged = capsys.readouterr()
    seen["log"] = log.getvalue() + logged.out + logged.err
    assert [where for where, text in seen.items() if MARK in text] == []


@contextmanager
def breaking(dsn: str, table: str) -> Iterator[None]:
    """Have each change of a table fail, with content in the text, as PostgreSQL itself does it."""
    with psycopg.connect(dsn, autocommit=True) as ledger:
        ledger.execute(
            f"create function breaks_{table}() returns trigger language plpgsql as "
            f"$$ begin raise exception 'Failing row contains ({MARK})'; end $$".encode()
        )
        ledger.execute(
            f"create trigger breaks before update on {table} "
            f"for each row execute function breaks_{table}()".encode()
        )
        yield
        ledger.execute(f"drop trigger breaks on {table}".encode())


def test_an_exception_with_content_in_a_real_worker_leaks_nothing_and_loses_nothing(
    engines: Engines, dsn: str, tmp_path: Path, clock: FixedClock
) -> None:
    engines.wakeup.wipe()
    engines.exchange.wipe()
    now, log = clock.now, tmp_path / "log"
    ahead = tmp_path / "clock"  # to hours when the agency works
    ahead.write_text(f"+{(now - datetime.now(UTC)).total_seconds():.0f}")

    def lines(**wanted: str) -> list[dict[str, Any]]:
        logged = [json.loads(line) for line in log.read_text().splitlines()]
        return [line for line in logged if wanted.items() <= line.items()]

    with Ledger.open(dsn, application_name="tests") as ledger:
        key = issue(
            ledger, OrganisationCode("staffordshire-police"), [Scope.PUBLISH], label="", now=now
        )
    with (
        Stack(engines, dsn, tmp_path, BROKER_CLOCK_FILE=str(ahead)) as stack,
        Publisher(stack.url, key) as police,
    ):
        stopped = {"event": "lane stopped by a fault of ours", "error": "RaiseException"}
        with breaking(dsn, "delivery"):
            with breaking(dsn, "referral"):
                handed_in = police.publish(rebase(marked(), now=now))
                eventually(lambda: lines(lane="route", **stopped))
            eventually(lambda: lines(lane="dispatch", **stopped))
        name = f"agency.{QUEUED}"
        eventually(lambda: MARK in in_valkey(engines.exchange_url).get(name, ""))
        assert police.status(handed_in.id).raw["state"] == "routed"
        # What libraries say of what they cannot read holds all of it.
        options = {"global_keyprefix": KEY_PREFIX}
        with Connection(engines.wakeup_url, transport_options=options) as wakeups:
            Producer(wakeups).publish({"name": MARK}, exchange="", routing_key="route")
        with socket.create_connection(("127.0.0.1", stack.port)) as caller:
            caller.sendall(f"{MARK}\r\n\r\n".encode())
        for library in ("celery.", "uvicorn."):
            eventually(
                lambda: [line for line in lines(event="library") if library in line["place"]],  # noqa: B023
            )
    assert MARK not in log.read_text()
