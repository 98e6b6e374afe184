"""A log line never holds content, whatever somebody hands it."""

import json

import pytest

from broker import telemetry
from broker.errors import Unavailable


def test_a_field_that_is_not_allowed_is_dropped_and_counted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    telemetry.configure("info")
    telemetry.logger("test").info("handed in", referral="r-1", name="Isolde", summary="a secret")
    line = capsys.readouterr().err
    assert "Isolde" not in line
    assert "secret" not in line
    told = json.loads(line)
    assert told["referral"] == "r-1"
    assert told["dropped"] == 2


def test_an_exception_is_told_by_its_class_and_code_alone() -> None:
    assert telemetry.trouble(Unavailable("postgresql://user:password@host")) == {
        "error": "Unavailable",
        "code": "unavailable",
    }
    assert telemetry.trouble(ValueError("Isolde")) == {"error": "ValueError"}
