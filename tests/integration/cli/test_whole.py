"""``demo`` and ``up`` for real: they add up, and nothing outlives them, however they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3

from tests.conftest import PATIENCE_SECONDS, eventually

BROKER = (sys.executable, "-m", "broker")


@pytest.fixture
def temporary(short: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which every process of a test makes its temporary ones."""
    monkeypatch.setenv("TMPDIR", str(short))
    return short


def running_from(folder: Path) -> list[str]:
    """Return the command lines of every process that has to do with a folder."""
    commands = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                process = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
            if str(folder).encode() in process:
                commands.append((entry / "cmdline").read_text().replace("\0", " "))
    return commands


def test_the_demo_adds_up_and_leaves_nothing(temporary: Path) -> None:
    ran = subprocess.run(
        [*BROKER, "demo", "--count", "40"], capture_output=True, text=True, timeout=120, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    sums = json.loads(ran.stdout.splitlines()[-1])
    assert sums["published"] == sums["accepted"] + sums["rejected"]
    assert sums["published"] > 40
    assert sums["lost"] == 0
    assert sums["deliveries"] >= sums["collected"] >= sums["acknowledged"] >= sums["decided"] > 0
    assert eventually(lambda: not running_from(temporary))
    assert list(temporary.glob("rb-*")) == []


@pytest.mark.proof
def test_ctrl_c_in_the_middle_of_the_demo_leaves_nothing(temporary: Path) -> None:
    demo = subprocess.Popen(
        [*BROKER, "demo"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
    )
    assert demo.stderr is not None
    next(line for line in demo.stderr if "published" in line)
    demo.send_signal(signal.SIGINT)
    demo.communicate(timeout=PATIENCE_SECONDS)
    assert demo.returncode == 130
    assert eventually(lambda: not running_from(temporary))
    assert list(temporary.glob("rb-*")) == []


@pytest.fixture
def up(temporary: Path) -> Iterator[subprocess.Popen[str]]:
    """``broker up``, ready."""
    started = subprocess.Popen(
        [*BROKER, "up", "--port", "0", "--json"], stdout=subprocess.PIPE, text=True
    )
    yield started
    if started.poll() is None:
        started.send_signal(signal.SIGTERM)
        started.wait(PATIENCE_SECONDS)


def where(up: subprocess.Popen[str]) -> dict[str, str]:
    """Read where everything is."""
    assert up.stdout is not None
    lines = []
    for line in up.stdout:
        lines.append(line)
        if line.startswith("}"):
            break
    addresses: dict[str, str] = json.loads("".join(lines))
    return addresses


def ask_the_doctor(addresses: dict[str, str]) -> None:
    """Administer the broker with nothing but what it said of itself."""
    files = {
        f"BROKER_{n.upper()}": value
        for n, value in addresses.items()
        if n.endswith(("_url_file", "child_key_file", "signing_key_file"))
    }
    assert {Path(file).stat().st_mode & 0o777 for file in files.values()} == {0o600}
    environment = {name: value for name, value in os.environ.items() if "BROKER" not in name}
    ran = subprocess.run(
        [*BROKER, "doctor"], env=environment | files, capture_output=True, text=True, check=False
    )
    # A broker that was started to be tried out has no way to alert anybody.
    faults = [line.split()[1] for line in ran.stdout.splitlines() if line.startswith("FAULT")]
    assert (ran.returncode, faults) == (1, ["notices"]), ran.stdout + ran.stderr


def test_up_stays_until_it_is_told_to_end(up: subprocess.Popen[str], temporary: Path) -> None:
    addresses = where(up)
    keys = Path(addresses["keys"])
    assert {file.stat().st_mode & 0o777 for file in keys.iterdir()} == {0o600}
    assert urllib3.request("GET", f"{addresses['url']}/readyz").status == 200
    ask_the_doctor(addresses)
    up.send_signal(signal.SIGTERM)
    assert up.wait(PATIENCE_SECONDS) == 0
    assert eventually(lambda: not running_from(temporary))
    assert list(temporary.glob("rb-*")) == []


def test_a_killed_parent_leaves_nothing(up: subprocess.Popen[str], temporary: Path) -> None:
    where(up)
    up.kill()
    up.wait(PATIENCE_SECONDS)
    assert eventually(lambda: not running_from(temporary))
    assert eventually(lambda: not list(temporary.glob("rb-*")))
