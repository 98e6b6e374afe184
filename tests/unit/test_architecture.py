"""The tree keeps its rules, and each rule can fail; diagrams in the docs are the state tables."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import grimp
import pytest
from importlinter.configuration import configure
from importlinter.contracts.acyclic_siblings import AcyclicSiblingsContract
from importlinter.contracts.forbidden import ForbiddenContract

from broker.domain.states import DELIVERY_STEPS, REFERRAL_STEPS
from tests.conftest import ROOT

ARCHITECTURE = ROOT / "docs" / "architecture.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
CONTRACTS: Mapping[str, Mapping[str, Any]] = {
    contract["name"]: contract for contract in PROJECT["tool"]["importlinter"]["contracts"]
}
SESSION = {
    "root_packages": PROJECT["tool"]["importlinter"]["root_packages"],
    "include_external_packages": True,
}
KINDS = {"forbidden": ForbiddenContract, "acyclic_siblings": AcyclicSiblingsContract}
REGISTRIES = {"broker.channels": {"broker.channels.registry", "broker.bootstrap"}}
"""Packages of which only these modules may name a member."""
NOT_MEMBERS = {"base", "registry"}
ARROW = re.compile(r"^ +(\w+) --> (\w+): (\w+)$", re.MULTILINE)


def test_the_diagrams_draw_every_legal_step_and_no_other() -> None:
    drawn = ARROW.findall(ARCHITECTURE.read_text(encoding="utf-8"))
    legal = [
        (str(before), str(after), str(step))
        for table in (REFERRAL_STEPS, DELIVERY_STEPS)
        for before, steps in table.items()
        for step, after in steps.items()
    ]
    assert sorted(drawn) == sorted(legal)


@pytest.fixture(scope="module")
def imports() -> grimp.ImportGraph:
    configure()
    return grimp.build_graph(
        *SESSION["root_packages"], include_external_packages=True, cache_dir=None
    )


@pytest.mark.parametrize(
    ("name", "importer", "imported"),
    [
        ("The core is pure", "broker.policy.routing.plan", "time"),
        ("The core is pure", "broker.domain.states", "broker.telemetry"),
        ("The flow takes its clock from the context", "broker.flow.route", "time"),
        ("The flow takes its clock from the context", "broker.admin.sign_in", "os"),
        ("Siblings have no cycles", "broker.dashboard.paths", "broker.dashboard.app"),
    ],
)
def test_a_contract_is_kept_and_can_be_broken(
    imports: grimp.ImportGraph, name: str, importer: str, imported: str
) -> None:
    options = {
        key: str(value) if value is True else value for key, value in CONTRACTS[name].items()
    }
    contract = KINDS[options["type"]](name, SESSION, options)
    assert contract.check(deepcopy(imports), verbose=False).kept
    broken = deepcopy(imports)
    broken.add_import(importer=importer, imported=imported)
    assert not contract.check(broken, verbose=False).kept


def test_only_bootstrap_and_the_registry_name_a_channel(imports: grimp.ImportGraph) -> None:
    assert list(_named(imports)) == []
    broken = deepcopy(imports)
    broken.add_import(importer="broker.flow.dispatch", imported="broker.channels.queue")
    assert list(_named(broken)) == [("broker.flow.dispatch", "broker.channels.queue")]


def _named(imports: grimp.ImportGraph) -> Iterator[tuple[str, str]]:
    """Yield who names a member of a registry's package and may not."""
    for package, allowed in REGISTRIES.items():
        for member in imports.find_children(package):
            if member.rpartition(".")[2] not in NOT_MEMBERS:
                importers = imports.find_modules_that_directly_import(member) - allowed
                yield from ((importer, member) for importer in sorted(importers))


@pytest.mark.parametrize(
    "line",
    [
        "import os\n\nhome = os.environ['HOME']\n",
        "import os\n\nhome = os.getenv('HOME')\n",
        "from broker.settings import Settings\n\nsettings = Settings.from_environ({})\n",
    ],
)
def test_settings_are_read_in_one_place(line: str) -> None:
    assert "TID251" in _ruff("broker/flow/example.py", line)
    assert _ruff("broker/bootstrap.py", line) == ""


def _ruff(name: str, source: str) -> str:
    command = [sys.executable, "-m", "ruff", "check", "--quiet", "--stdin-filename", name, "-"]
    checked = subprocess.run(
        command, input=source, cwd=ROOT, capture_output=True, text=True, check=False
    )
    return checked.stdout


def test_tests_run_no_loop_in_the_main_thread() -> None:
    """Such a test fails when a browser was used before it in the same process."""
    call = "asyncio." + "run"
    files = [
        file for file in Path(__file__).parents[1].rglob("*.py") if "node_modules" not in file.parts
    ]
    users = [file.name for file in files if call in file.read_text(encoding="utf-8")]
    assert users == ["conftest.py"]
