"""What ``broker top`` and ``check`` say of a gateway that gives no figures."""

from __future__ import annotations

import io
import json
import time

import pytest
from referral_broker_client.ops import Ops
from rich.console import Console

from broker.cli.http import monitor
from tests.unit.cli.conftest import Run
from tests.unit.sdk.scripted import Script

EVERY = 1234


@pytest.fixture
def ops(run: Run, script: Script) -> Run:
    """Run ``broker`` with the scripted gateway and a key for ops."""
    return lambda *arguments: run(*arguments, BROKER_URL=script.url, BROKER_KEY="rb_k_secret")


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait between retries, and end a live view instead of its second look."""

    def sleep(seconds: float) -> None:
        if seconds == EVERY:
            raise KeyboardInterrupt

    monkeypatch.setattr(time, "sleep", sleep)


@pytest.mark.parametrize(
    ("status", "code", "level"), [(503, 2, "stopped"), (429, 3, "unknown"), (401, 3, None)]
)
def test_health_and_top_end_with_the_same_code(
    ops: Run, script: Script, status: int, code: int, level: str | None
) -> None:
    for path in ("/v1/health", "/v1/monitor"):
        script.answer_only(path, status)
    ran = ops("check", "health", "--json")
    assert (ran.code, ops("top", "--exit-code").code) == (code, code)
    if level is not None:
        assert json.loads(ran.out)["level"] == level
        assert ("Nobody can publish" in ran.out) == (level == "stopped")


@pytest.mark.parametrize(("status", "shown"), [(503, "STOPPED"), (429, "UNKNOWN")])
def test_top_does_not_call_a_gateway_stopped_that_answers(
    script: Script, status: int, shown: str
) -> None:
    script.answer_only("/v1/monitor", status)
    terminal = Console(file=io.StringIO(), force_terminal=True, width=200)

    with Ops(script.url, "rb_k_secret") as client, pytest.raises(KeyboardInterrupt):
        monitor._follow(client, terminal, EVERY)
    assert isinstance(terminal.file, io.StringIO)
    assert shown in terminal.file.getvalue()


def test_an_address_without_figures_is_not_an_unknown_agency(ops: Run, script: Script) -> None:
    script.answer_only("/v1/measures", 404)
    limits = ("--warn", "1h", "--crit", "2h")
    ran = ops("check", "oldest", *limits)
    assert (ran.code, "None" in ran.out + ran.err) == (3, False)
    ran = ops("check", "oldest", *limits, "--agency", "nowhere")
    assert (ran.code, "there is no agency nowhere" in ran.out) == (3, True)
