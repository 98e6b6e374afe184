"""The three wheels, built from a copy of this checkout."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.conftest import ROOT

SOURCES = ("broker", "schemas", "workers", "policies", "samples", "sdk", "devstack")
BUILT = ("referral_broker", "referral_broker_client", "referral_broker_devstack")


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The wheels by name. They are built elsewhere, because setuptools leaves files behind."""
    checkout = tmp_path_factory.mktemp("checkout")
    for folder in SOURCES:
        shutil.copytree(
            ROOT / folder,
            checkout / folder,
            ignore=shutil.ignore_patterns("__pycache__", "*.egg-info", "build"),
        )
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        if (ROOT / file).exists():
            shutil.copy(ROOT / file, checkout)
    built = tmp_path_factory.mktemp("wheels")
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--quiet", "--wheel-dir", built]
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *options, ".", "./sdk", "./devstack"],
        cwd=checkout,
        check=True,
    )
    return {file.name.partition("-")[0]: file for file in built.glob("*.whl")}
