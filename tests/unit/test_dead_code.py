"""What nobody uses is found, and so is a setting that nobody reads or an error nobody raises."""

import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from broker import errors
from broker.settings import Settings
from tests.conftest import ROOT
from tests.dead_code import unused

SOURCES = [file for name in ("broker", "workers") for file in (ROOT / name).rglob("*.py")]


def text_without(*left_out: str) -> str:
    return "\n".join(file.read_text("utf-8") for file in SOURCES if file.name not in left_out)


def test_a_function_that_nobody_calls_is_listed(tmp_path: Path) -> None:
    file = tmp_path / "module.py"
    file.write_text("def used(): ...\n\n\ndef left_over(): ...\n\n\nused()\n")
    (line,) = unused([str(file)])
    assert "unused function 'left_over'" in line


@pytest.mark.parametrize("name", [field.name for field in fields(Settings)])
def test_every_setting_is_read(name: str) -> None:
    assert re.search(rf"\bsettings\.{name}\b", text_without("settings.py"))


def kinds_of(kind: type[Exception]) -> Iterator[type[Exception]]:
    for below in kind.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from kinds_of(below)
            yield below


@pytest.mark.parametrize("kind", list(kinds_of(errors.BrokerError)))
def test_every_error_is_raised_somewhere(kind: type[Exception]) -> None:
    # The table of answers over HTTP names them all, and raises none.
    assert re.search(rf"\b{kind.__name__}\b", text_without("errors.py", "problems.py"))
