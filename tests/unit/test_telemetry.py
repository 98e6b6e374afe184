"""A log line never holds content, whatever somebody hands it."""

import json
import subprocess
import sys
from collections.abc import Callable

import pytest

from broker import telemetry
from broker.errors import Unavailable


def test_a_field_that_is_not_allowed_is_dropped_and_counted(
    capsys: pytest.CaptureFixture[str], log_from: Callable[[str], None]
) -> None:
    log_from("info")
    telemetry.logger("test").info("handed in", referral="r-1", name="Isolde", summary="a secret")
    line = capsys.readouterr().err
    assert "Isolde" not in line
    assert "secret" not in line
    logged = json.loads(line)
    assert logged["referral"] == "r-1"
    assert logged["dropped"] == 2


def test_an_exception_is_told_by_its_class_and_code_alone() -> None:
    assert telemetry.error_fields(Unavailable("postgresql://user:password@host")) == {
        "error": "Unavailable",
        "code": "unavailable",
    }
    assert telemetry.error_fields(ValueError("Isolde")) == {"error": "ValueError"}


def test_what_libraries_say_is_told_by_place_and_class_alone() -> None:
    program = """
import logging, sys, threading, warnings
from broker import telemetry
log = logging.getLogger("library")
log.addHandler(logging.StreamHandler())
log.propagate = False
telemetry.configure("info")
telemetry.take_over()
try:
    raise ValueError("Isolde")
except ValueError:
    log.exception("Isolde %s", "Isolde")
log.warning("Isolde")
log.info("Isolde")
warnings.warn("Isolde")
class Broken:
    def __del__(self):
        raise OSError("Isolde")
Broken()
thread = threading.Thread(target=lambda: {}["Isolde"])
thread.start()
thread.join()
raise RuntimeError("Isolde")
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert ran.returncode == 1
    assert b"Isolde" not in ran.stderr + ran.stdout
    logged = [json.loads(line) for line in ran.stderr.splitlines()]
    assert [(line["level"], line["event"], line.get("error")) for line in logged] == [
        ("error", "library", "ValueError"),
        ("warning", "library", None),
        ("warning", "library", None),
        ("error", "uncaught", "OSError"),
        ("error", "uncaught", "KeyError"),
        ("error", "uncaught", "RuntimeError"),
    ]
    assert logged[0]["place"] == "library:<module>:12"


def test_who_configures_nothing_hears_of_troubles_only() -> None:
    program = "from broker import telemetry as t; t.logger('a').info('b'); t.logger('a').error('c')"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert ran.stdout == b""
    assert json.loads(ran.stderr)["event"] == "c"
