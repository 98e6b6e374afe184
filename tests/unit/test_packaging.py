"""What is installed is what runs: the package holds every file, and the image is built from it."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from fnmatch import fnmatch
from pathlib import Path, PurePath
from typing import Any

import pytest

from broker import __version__
from tests.conftest import ROOT

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
