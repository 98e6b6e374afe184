"""Every shipped sample, as ``broker samples show`` prints it today, through a real gateway."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broker.flow.context import Context
from tests.acceptance.conftest import SAMPLES
from tests.conftest import FixedClock
from tests.integration.gateway.conftest import listening
from tests.unit.cli.conftest import Ran, Run, run

__all__ = ["run"]
NAMES = sorted(file.stem for file in SAMPLES.glob("*.json"))
REFUSED = {"case-14-picture": 3}
"""Those that are made to be refused, with the exit code."""
Publish = Callable[..., Ran]


@pytest.fixture
def clock() -> FixedClock:
    """The present, as of which the samples are moved."""
    return FixedClock(datetime.now(UTC))


@pytest.fixture
def publish(run: Run, context: Context, key: Callable[..., dict[str, str]]) -> Iterator[Publish]:
    """Run ``broker publish`` as the police force of the samples."""
    secret = key("staffordshire-police", "publish")["Authorization"].removeprefix("Bearer ")
    with listening(context) as url:
        yield lambda *more: run("publish", *more, BROKER_URL=url, BROKER_KEY=secret)


@pytest.mark.parametrize("name", NAMES)
def test_every_sample_is_accepted_as_it_is_shown(
    run: Run,
    publish: Publish,
    drain: Callable[[], None],
    tmp_path: Path,
    context: Context,
    name: str,
) -> None:
    shown = run("samples", "show", name)
    assert shown.code == 0
    submitted = datetime.fromisoformat(json.loads(shown.out)["times"]["submitted_at"])
    assert timedelta() <= datetime.now(UTC) - submitted < timedelta(weeks=1)
    file = tmp_path / "sample.json"
    file.write_text(shown.out)
    ran = publish(str(file), "--json")
    assert ran.code == REFUSED.get(name, 0), ran.err
    if name in REFUSED:
        return
    drain()
    receipt = json.loads(ran.out)
    status = context.ledger.queries.referral(None, id=receipt["id"])
    assert status is not None
    expected = dict.fromkeys(("case-10-no-area", "case-13-invalid"), "unroutable")
    assert str(status.state) == expected.get(name, "routed"), status.faults


def test_a_sample_that_there_is_not_is_wrong_usage(run: Run) -> None:
    ran = run("samples", "show", "case-99")
    assert (ran.code, "broker samples list" in ran.err) == (2, True)
    assert run("samples", "ls").out == run("samples", "list").out
