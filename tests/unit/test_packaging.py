"""What is installed is what runs: the package holds every file, and the image is built from it."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from importlib.metadata import packages_distributions
from pathlib import Path, PurePath
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from broker import __version__
from tests.conftest import ROOT

OURS = {"benchmarks", "broker", "docs", "referral_broker_client", "schemas", "tests", "workers"}
NEVER_IMPORTED = {
    *("uvloop", "httptools"),  # uvicorn takes them where they are installed
    *("psycopg-binary", "tzdata"),  # behind psycopg and zoneinfo
    *("govuk-frontend-jinja", "itsdangerous"),  # templates by name; Starlette's sessions
    "async-timeout",  # redis, where asyncio.timeout has a fault
}
NOT_SHIPPED = {".py", ".md"}


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_every_file_of_the_packages_is_installed_with_them(project: dict[str, Any]) -> None:
    found = project["tool"]["setuptools"]["packages"]["find"]["include"]
    data = project["tool"]["setuptools"]["package-data"]
    patterns = [PurePath(kind).name for kinds in data.values() for kind in kinds]
    folders = [one.rstrip("*") for one in found]
    listed = subprocess.run(
        ["git", "ls-files", *folders], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("this is no checkout, so nothing says which files belong to it")
    files = [PurePath(line) for line in listed.stdout.splitlines()]
    assert PurePath("broker/ledger/sql/referrals/accept.sql") in files
    left_behind = [
        str(file)
        for file in files
        if file.suffix not in NOT_SHIPPED and not any(fnmatch(file.name, p) for p in patterns)
    ]
    assert left_behind == [], "name their kind in pyproject.toml, tool.setuptools.package-data"


def declared(project: dict[str, Any], *extras: str) -> set[str]:
    """Return the names of what is declared, with what an extra of theirs brings along."""
    lists = [project["project"]["dependencies"]]
    lists += [project["project"]["optional-dependencies"][extra] for extra in extras]
    requirements = [Requirement(text) for texts in lists for text in texts]
    brought = {f"{r.name}-{extra}" for r in requirements for extra in r.extras}
    return {canonicalize_name(name) for name in brought | {r.name for r in requirements}}


def imported(*folders: str) -> set[str]:
    """Return the names of the modules that files in these folders import, ours left out."""
    files = [file for folder in folders for file in (ROOT / folder).rglob("*.py")]
    nodes = [node for file in files for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    return {name.partition(".")[0] for name in names} - OURS - sys.stdlib_module_names


@pytest.mark.parametrize(
    ("folders", "extras"),
    [
        (("broker", "schemas", "workers", "sdk"), ("telemetry", "embedded")),
        (("tests", "benchmarks"), ("telemetry", "embedded", "dev")),
    ],
)
def test_every_library_that_is_imported_is_declared(
    project: dict[str, Any], folders: tuple[str, ...], extras: tuple[str, ...]
) -> None:
    known, owners = declared(project, *extras), packages_distributions()
    undeclared = {
        module
        for module in imported(*folders)
        if known.isdisjoint(map(canonicalize_name, owners.get(module, [module])))
    }
    assert undeclared == set()


def test_every_library_that_is_declared_is_imported(project: dict[str, Any]) -> None:
    owners = packages_distributions()
    used = {
        canonicalize_name(owner)
        for module in imported("broker", "schemas", "workers", "sdk")
        for owner in owners.get(module, [])
    }
    assert declared(project, "telemetry", "embedded") - used == NEVER_IMPORTED


@pytest.mark.parametrize("lock", ["runtime.txt", "dev.txt"])
def test_every_library_that_is_declared_is_pinned_and_locked(
    project: dict[str, Any], lock: str
) -> None:
    everything = project["project"]["dependencies"]
    extras = project["project"]["optional-dependencies"]
    for extra in ("telemetry",) if lock == "runtime.txt" else tuple(extras):
        everything = everything + extras[extra]
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    for requirement in map(Requirement, everything):
        pin = f"{canonicalize_name(requirement.name)}{requirement.specifier} "
        assert f"\n{pin}" in f"\n{text}", pin
    assert "://" not in text


def test_what_builds_the_documents_is_pinned_and_locked_beside_the_rest(
    project: dict[str, Any],
) -> None:
    docs, dev = (
        dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))
        for name in ("docs.txt", "dev.txt")
        for text in [(ROOT / "requirements" / name).read_text(encoding="utf-8")]
    )
    for requirement in map(Requirement, project["dependency-groups"]["docs"]):
        assert str(requirement.specifier) == f"=={docs[requirement.name]}"
    assert {name for name in docs.keys() & dev.keys() if docs[name] != dev[name]} == set()


def test_the_command_runs_from_anywhere(tmp_path: Path) -> None:
    command = Path(sys.executable).with_name("broker")
    if not command.exists():
        pytest.skip("this environment was not made by `make env`, which installs the command")
    ran = subprocess.run(
        [command, "policy", "lint"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr


def test_the_build_is_locked_to_what_the_project_asks_for(project: dict[str, Any]) -> None:
    (asked,) = project["build-system"]["requires"]
    locked = (ROOT / "requirements" / "build.txt").read_text(encoding="utf-8")
    assert locked.startswith(f"{asked} ")
    assert "--hash=sha256:" in locked


def test_the_image_is_built_from_what_the_context_holds_and_named_by_the_version() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE):
        for source in line.split():
            assert (ROOT / source).exists(), source
            assert any(one == source or one.startswith(f"{source}/") for one in let_in), source
    compose = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    assert f"image: referral-broker:{__version__}\n" in compose
