"""Two gateways over one ledger, asked by a real Prometheus with the shipped rules and board."""

import json
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import urllib3
import yaml

from broker.flow.context import Context
from tests.acceptance.conftest import World, sample
from tests.conftest import ROOT, FixedClock, eventually
from tests.integration.gateway.conftest import listening

PROMETHEUS = shutil.which("prometheus")
pytestmark = pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed")
DEPLOY = ROOT / "deploy"
WITHOUT_A_VALUE = {
    "p95 to acknowledge, over an hour",
    "Undeliverable, by cause",
    "Silent organisations",
    "Requests that failed, as a share",
    "Could not be sent and is tried again, by why not",
    "Clocks ahead of the ledger's",
    "What is not well, by its level",
    "Since a test referral came through, and the monitor outside answered",
    "How long a test referral takes",
}
"""Panels of which a query gives nothing as long as nothing of the kind has happened."""


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus."""

    url: str

    def get(self, path: str, **fields: str) -> Any:
        """Return the data of an answer; AssertionError where it is an error."""
        answer = urllib3.request("GET", f"{self.url}/api/v1/{path}", fields=fields, retries=False)
        document = answer.json()
        assert document["status"] == "success", document
        return document["data"]

    def ask(self, query: str) -> list[tuple[dict[str, str], float]]:
        """Return the labels and value of each series."""
        results = self.get("query", query=query)["result"]
        return [(result["metric"], float(result["value"][1])) for result in results]

    def value(self, query: str) -> float | None:
        """Return the only value; None where there is none."""
        values = self.ask(query)
        assert len(values) <= 1, values
        return values[0][1] if values else None


def configured(folder: Path, targets: list[str], key: str) -> Path:
    """Write the shipped configuration for these gateways; returns the file."""
    document = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    document["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    (job,) = document["scrape_configs"]
    (folder / "key").write_text(key)
    job["authorization"]["credentials_file"] = str(folder / "key")
    job["static_configs"] = [{"targets": targets}]
    shutil.copy(DEPLOY / "prometheus" / "alerts.yml", folder)
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(document))
    return file


@pytest.fixture
def gateways(context: Context) -> Iterator[list[str]]:
    with listening(context) as first, listening(context) as second:
        yield [url.removeprefix("http://") for url in (first, second)]


@pytest.fixture
def prometheus(
    tmp_path: Path, gateways: list[str], key: Callable[..., dict[str, str]]
) -> Iterator[Prometheus]:
    bearer = key("ops", "ops")["Authorization"].removeprefix("Bearer ")
    file = configured(tmp_path, gateways, bearer)
    with socket.create_server(("127.0.0.1", 0)) as free:
        address = f"127.0.0.1:{free.getsockname()[1]}"
    options = {"config.file": file, "storage.tsdb.path": tmp_path / "data"}
    command = [f"--{name}={value}" for name, value in options.items()]
    with subprocess.Popen(
        [str(PROMETHEUS), *command, f"--web.listen-address={address}", "--log.level=error"]
    ) as process:
        try:
            running = Prometheus(f"http://{address}")
            eventually(lambda: answers(running), within=30)
            yield running
        finally:
            process.terminate()


def answers(prometheus: Prometheus) -> bool:
    """Tell whether Prometheus has figures of both gateways."""
    try:
        return prometheus.value("sum(up)") == 2
    except (urllib3.exceptions.HTTPError, json.JSONDecodeError):
        return False


def boards() -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((DEPLOY / "grafana").glob("*.json"))]


def panels() -> list[dict[str, Any]]:
    """Return every panel of every board; those of a folded row are within it."""
    outer = [panel for board in boards() for panel in board["panels"]]
    return [inner for panel in outer for inner in panel.get("panels", [panel])]


def test_two_gateways_show_what_one_does(
    prometheus: Prometheus,
    gateways: list[str],
    clock: FixedClock,
    world: World,
) -> None:
    (delivery,) = world.routed(sample(2))["deliveries"]
    clock.advance(days=9)
    eventually(lambda: prometheus.value("broker:deadlines_missed:total") == 3, within=20)
    world.routed({**sample(2), "reference": "STAFFS-2027-2"})
    clock.advance(days=9)
    eventually(lambda: prometheus.value("broker:deadlines_missed:total") == 6, within=20)
    eventually(lambda: prometheus.value("count(broker_deliveries_overdue == 2)") == 2, within=20)
    check_figures(prometheus, gateways, delivery["agency"])
    check_board(prometheus)
    check_rules(prometheus)


def check_figures(prometheus: Prometheus, gateways: list[str], agency: str) -> None:
    """The ledger's figures count once; each gateway's own requests are added up."""
    of_panels = {panel["title"]: panel["targets"][0]["expr"] for panel in panels()}
    assert prometheus.value(of_panels["Past their deadline"]) == 2
    assert prometheus.ask(shown(of_panels["Open past a deadline, by agency"])) == [
        ({"agency": agency}, 2)
    ]
    assert prometheus.value(f'agency:deadlines_counted:total{{agency="{agency}"}}') == 6
    scrapes = eventually(lambda: both(prometheus, 'broker_http_requests_total{path="/metrics"}'))
    assert scrapes is not None
    assert scrapes.keys() == set(gateways)
    assert prometheus.value("sum(process_resident_memory_bytes > 1e6)") is not None
    assert prometheus.value("count(broker_build_info)") == 2
    for gateway in gateways:
        assert urllib3.request("GET", f"http://{gateway}/problems").status == 200
    eventually(lambda: prometheus.ask(of_panels["Until an answer begins"]), within=20)


def both(prometheus: Prometheus, query: str) -> dict[str, float] | None:
    """Return the value of each gateway, once both have one."""
    values = {labels["instance"]: value for labels, value in prometheus.ask(query)}
    return values if len(values) == 2 else None


def shown(query: str) -> str:
    """Return a query of the board as Grafana asks it for all agencies."""
    return query.replace("$agency", ".*")


def check_board(prometheus: Prometheus) -> None:
    """Every query of every panel is answered, and with a value where there must be one."""
    for panel in panels():
        for target in panel["targets"]:
            values = prometheus.ask(shown(target["expr"]))
            assert values or panel["title"] in WITHOUT_A_VALUE, target["expr"]
    assert {panel["title"] for panel in panels()} >= WITHOUT_A_VALUE
    check_choices(prometheus)


def check_choices(prometheus: Prometheus) -> None:
    """What a board lets people choose from is there: each is the values of a label."""
    queries = [
        choice["query"]
        for board in boards()
        for choice in board["templating"]["list"]
        if choice["type"] == "query"
    ]
    assert queries
    for query in queries:
        match = re.fullmatch(r"label_values\((\w+), (\w+)\)", query)
        assert match, query
        assert prometheus.get(f"label/{match[2]}/values", **{"match[]": match[1]}), query


def check_rules(prometheus: Prometheus) -> None:
    """Every rule was worked out without an error, and what is late fires once."""
    rules = [rule for group in prometheus.get("rules")["groups"] for rule in group["rules"]]
    assert len(rules) > 40
    assert {rule["name"]: rule["health"] for rule in rules if rule["health"] != "ok"} == {}
    missed = 'ALERTS{alertname="BrokerDeadlineMissed", alertstate="firing"}'
    eventually(lambda: prometheus.value(f"count({missed})") == 1, within=20)
