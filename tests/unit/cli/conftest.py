"""The command line in this process, against a gateway that follows a script."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from broker.cli.main import main
from tests.unit.sdk.conftest import script, short_pauses
from tests.unit.sdk.scripted import Script

__all__ = ["script", "short_pauses"]


@dataclass(frozen=True, slots=True)
class Ran:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]
ENVIRONMENT = (
    *("BROKER_URL", "BROKER_KEY", "BROKER_KEY_FILE"),
    *("BROKER_DATABASE_URL", "BROKER_DATABASE_URL_FILE"),
)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``broker`` with these arguments and no environment of its own but the given."""

    def running(*arguments: str, **environment: str) -> Ran:
        for name in ENVIRONMENT:
            monkeypatch.delenv(name, raising=False)
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        printed = capsys.readouterr()
        return Ran(int(ended.value.code or 0), printed.out, printed.err)

    return running


@pytest.fixture
def police(run: Run, script: Script) -> Run:
    """Run ``broker`` with the scripted gateway and a key to it."""
    return lambda *arguments: run(*arguments, BROKER_URL=script.url, BROKER_KEY="rb_k_secret")
