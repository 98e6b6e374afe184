"""The shipped alerts: by promtool where it is installed, by a parser of our own everywhere."""

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


def rules() -> list[dict[str, Any]]:
    return [
        rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]
    ]


def test_each_rule_is_a_query() -> None:
    for rule in rules():
        assert all(name.startswith("broker_") for name in metrics_of(rule["expr"])), rule["alert"]


def test_each_alert_has_a_test_of_its_own() -> None:
    tests = yaml.safe_load((FOLDER / "alerts.test.yml").read_text())["tests"]
    ringing = {
        rule["alertname"]
        for test in tests
        for rule in test["alert_rule_test"]
        if "exp_alerts" in rule
    }
    assert ringing == {rule["alert"] for rule in rules()}


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
