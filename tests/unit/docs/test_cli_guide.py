"""The guide to the command line says which commands need which settings."""

from __future__ import annotations

import re

from broker.cli.main import SECTIONS
from tests.conftest import ROOT


def test_every_command_that_talks_to_the_gateway_is_listed() -> None:
    guide = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    (row,) = (line for line in guide.splitlines() if line.startswith("| `BROKER_URL`"))
    commands = {
        name
        for entries in SECTIONS.values()
        for name, entry in entries.items()
        if entry.target.startswith("http.")
    }
    assert set(re.findall(r"`([a-z][a-z-]+)`", row)) == commands
