"""The shipped alerts: by promtool where it is installed, by a parser of our own everywhere."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.testclient import TestClient

from tests.acceptance.conftest import World, sample, world  # noqa: F401
from tests.conftest import ROOT
from tests.promql import NoQuery, metrics_of

FOLDER = ROOT / "deploy" / "prometheus"
RULES = FOLDER / "alerts.yml"
PROMTOOL = shutil.which("promtool")
needs_promtool = pytest.mark.skipif(
    PROMTOOL is None, reason="promtool is not installed; the parser checks what it can"
)


def promtool(*arguments: str, text: bytes = b"", cwd: Path = FOLDER) -> tuple[int, str]:
    assert PROMTOOL is not None
    ran = subprocess.run(
        [PROMTOOL, *arguments], input=text, capture_output=True, check=False, cwd=cwd, timeout=60
    )
    return ran.returncode, (ran.stdout + ran.stderr).decode()


@needs_promtool
def test_promtool_finds_nothing_wrong_with_the_rules() -> None:
    assert promtool("check", "rules", RULES.name)[0] == 0


@needs_promtool
def test_each_alert_rings_when_it_should() -> None:
    code, output = promtool("test", "rules", "alerts.test.yml")
    assert code == 0, output


@needs_promtool
def test_promtool_finds_nothing_wrong_with_the_metrics(
    client: TestClient,
    key: Callable[..., dict[str, str]],
    world: World,  # noqa: F811
) -> None:
    world.routed(sample(2))
    text = client.get("/metrics", headers=key("ops", "ops")).content
    code, output = promtool("check", "metrics", text=text)
    assert code == 0, output


@needs_promtool
def test_promtool_would_find_a_rule_that_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "alerts.yml").write_text(RULES.read_text().replace("max(broker", "maxi(broker"))
    assert promtool("check", "rules", "alerts.yml", cwd=tmp_path)[0] != 0


def rules(kind: str) -> list[dict[str, Any]]:
    """Return the rules of a kind: ``alert`` or ``record``."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"] if kind in rule]


def test_each_rule_is_a_query() -> None:
    recorded = {rule["record"] for rule in rules("record")}
    asked = {
        name
        for kind in ("record", "alert")
        for rule in rules(kind)
        for name in metrics_of(rule["expr"])
    }
    assert recorded <= asked
    assert all(name.startswith("broker_") for name in asked - recorded)


def test_what_gateways_read_from_the_ledger_is_never_added_up() -> None:
    for rule in [*rules("record"), *rules("alert")]:
        for summed in re.findall(r"sum(?: by \([a-z, ]+\))? ?\((?!max)([^)]*)", rule["expr"]):
            assert re.search(r"broker_http_|[a-z]+:", summed), rule["expr"]


def test_each_runbook_is_at_an_address_that_can_be_opened() -> None:
    for rule in rules("alert"):
        address = (
            f"https://referral-broker.example.org/docs/operations.html#{rule['alert'].lower()}"
        )
        assert rule["annotations"]["runbook_url"] == address


def test_each_alert_has_a_test_of_its_own() -> None:
    tests = yaml.safe_load((FOLDER / "alerts.test.yml").read_text())["tests"]
    ringing = {
        rule["alertname"]
        for test in tests
        for rule in test["alert_rule_test"]
        if "exp_alerts" in rule
    }
    assert ringing == {rule["alert"] for rule in rules("alert")}


@pytest.mark.parametrize(
    "wrong",
    [
        *("", "sum(", "sum(a", "sum(a))", "a >", "a b", "maxi(a)", "increase(a)", "a{b}", "a{b=c}"),
        *("sum by agency (a)", "a[1d", "1 + + 2", "rate(sum(a)[5m])", "a ~ b"),
    ],
)
def test_what_is_no_query_is_found(wrong: str) -> None:
    with pytest.raises(NoQuery):
        metrics_of(wrong)
