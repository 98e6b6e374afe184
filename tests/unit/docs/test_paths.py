"""What the documents say of the tree is so: paths, the eight steps, the layers."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT

DOCUMENTS = (
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted(ROOT.glob("docs/*.md")),
    *sorted(ROOT.glob("docs/contributing/*.md")),
)
PATH = re.compile(
    r"`((?:broker|schemas|workers|sdk|tests|docs|deploy|policies|samples|benchmarks)/[\w./-]*)`"
)
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_path_that_a_document_names_exists(document: Path) -> None:
    named = PATH.findall(document.read_text(encoding="utf-8"))
    assert [path for path in named if not (ROOT / path).exists() and "_build" not in path] == []


def test_readme_and_architecture_number_the_same_steps_as_the_code() -> None:
    listed = re.findall(r"^\| (\d) (\w+) \| `([\w/.]+)`", README, re.MULTILINE)
    numbered = re.findall(r"^(\d)\. \*\*(\w+)\*\* `([\w/.]+)`", ARCHITECTURE, re.MULTILINE)
    assert listed == numbered
    assert [number for number, _, _ in listed] == [str(number) for number in range(1, 9)]
    for number, name, path in listed:
        first = (ROOT / path).read_text(encoding="utf-8").splitlines()[0]
        assert re.match(rf'"""Step {number}, {name}: ', first), path


def test_the_layers_are_those_that_are_checked() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (contract,) = (
        contract
        for contract in project["tool"]["importlinter"]["contracts"]
        if contract["type"] == "layers"
    )
    drawn = re.search(r"^```text\n(.+?)^```", ARCHITECTURE, re.MULTILINE | re.DOTALL)
    assert drawn is not None
    assert drawn[1].splitlines() == contract["layers"]


def test_the_readme_stays_short() -> None:
    assert len(README.splitlines()) <= 150
