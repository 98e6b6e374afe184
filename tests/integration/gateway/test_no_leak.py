"""Content that is marked shows up in no log, metric, page, trace or wake-up message."""

import io
import json
from typing import Any

import pytest
import structlog
from redis import Redis
from starlette.testclient import TestClient

from broker import telemetry
from broker.domain.codes import Right
from broker.flow import people
from broker.flow.parts import Broker
from tests.acceptance.conftest import World, sample, world  # noqa: F401
from tests.collector import Collector, collector_fixture, traced_settings  # noqa: F401
from tests.conftest import FixedClock

MARK = "Zebrahollow"


def test_marked_content_leaks_nowhere(  # noqa: PLR0917
    broker: Broker,
    client: TestClient,
    clock: FixedClock,
    collector: Collector,
    key: Any,
    world: World,  # noqa: F811
    capsys: pytest.CaptureFixture[str],
    request: pytest.FixtureRequest,
) -> None:
    log = io.StringIO()
    telemetry.configure("debug")
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(log),
        cache_logger_on_first_use=False,
    )
    request.addfinalizer(structlog.reset_defaults)
    document = sample(2)
    name = document["children"][0]["family_name"]
    marked = json.loads(json.dumps(document).replace(name, MARK))
    status = world.routed(marked)
    (delivery,) = status["deliveries"]
    broken = json.loads(json.dumps(marked)) | {"reference": "OCC/2027/9", "unknown": MARK}
    world.routed(broken)
    clock.advance(days=9)
    people.add(broker.ledger, "Jo Example", list(Right), now=clock.now, new_id=broker.new_id)
    link = people.link(broker.ledger, "Jo Example", now=clock.now)
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
    with Redis.from_url(broker.settings.wakeup_url) as wakeups:
        names = list(wakeups.scan_iter())
        lists = [name for name in names if wakeups.type(name) == b"list"]
        seen["wake-ups"] = str([names, *(wakeups.lrange(name, 0, -1) for name in lists)])
    assert MARK in str(world.collect(delivery["agency"]))
    world.answer(delivery["agency"], delivery=delivery["id"], stage="acknowledged", by=MARK)
    assert broker.traces is not None
    broker.traces.close()
    assert set(collector.of(status["id"])) == {"accept", "route", "collect", "answer"}
    seen["traces"] = b"".join(collector.bodies).decode("latin-1")
    assert status["reference"] not in seen["traces"]
    told = capsys.readouterr()
    seen["log"] = log.getvalue() + told.out + told.err
    assert [where for where, text in seen.items() if MARK in text] == []
