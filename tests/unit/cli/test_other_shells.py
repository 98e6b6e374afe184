"""zsh and fish themselves complete by the files that ``broker completion install`` writes."""

import os
import pty
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Run, run

__all__ = ["run"]
SECONDS = 90
"""The longest that a shell may take to complete: it starts the command line in between."""


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, str]:
    """A home of its own, in which the command is on the path."""
    command = tmp_path / "bin" / "broker"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m broker "$@"\n')
    command.chmod(0o755)
    changes = {
        "HOME": str(tmp_path),
        "ZDOTDIR": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / "config"),
        "XDG_DATA_HOME": str(tmp_path / "data"),
        "PATH": f"{command.parent}:{os.environ['PATH']}",
        "TERM": "dumb",
    }
    for name, value in changes.items():
        monkeypatch.setenv(name, value)
    return {**os.environ, **changes}


@pytest.mark.skipif(shutil.which("fish") is None, reason="fish is not installed")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        ("broker suspend", {"suspend-agency"}),
        ("broker queue ", {"list", "pause", "resume", "show"}),
        ("broker watch deadlines --wi", {"--within"}),
        ("broker recall X --reason w", {"wrong_person"}),
    ],
)
def test_fish_completes_by_what_was_installed(
    run: Run, environment: Mapping[str, str], line: str, offered: set[str]
) -> None:
    assert run("completion", "install", "fish").code == 0
    ran = subprocess.run(
        ["fish", "--command", f"complete --do-complete '{line}'"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=SECONDS,
    )
    assert {shown.partition("\t")[0] for shown in ran.stdout.splitlines()} == offered


@pytest.mark.skipif(shutil.which("zsh") is None, reason="zsh is not installed")
def test_zsh_completes_by_what_was_installed(
    run: Run, environment: Mapping[str, str], tmp_path: Path
) -> None:
    ran = run("completion", "install", "zsh")
    assert ran.code == 0
    (fpath,) = [word for word in ran.err.split('"')[0].split(": ") if word.startswith("fpath=")]
    # As the command says that it is to be written, before compinit.
    settings = f"{fpath.split(', then')[0]}\nautoload -Uz compinit && compinit -u\nPS1='ready> '\n"
    (tmp_path / ".zshrc").write_text(settings)
    with Terminal(["zsh", "-i"], environment) as terminal:
        terminal.expect("ready> ")
        terminal.write("broker suspend-a\t")
        terminal.expect("broker suspend-agency ")
        for typed, whole in (  # what a shell completes second went wrong once
            ("broker watch deadlines --wi", "--within "),
            ("broker recall X --reason w", "wrong_person "),
            ("broker queue p", "pause "),
        ):
            terminal.write(f"\x15{typed}\t")
            terminal.expect(whole)


class Terminal:
    """A program in a terminal of its own. Ends the program when the block ends."""

    def __init__(self, command: list[str], environment: Mapping[str, str]) -> None:
        self._ours, theirs = pty.openpty()
        self._process = subprocess.Popen(
            command, env=environment, stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True
        )
        os.close(theirs)
        self._shown = ""

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait(10)
        os.close(self._ours)

    def write(self, text: str) -> None:
        """Type a text, after forgetting what was shown before."""
        self._shown = ""
        os.write(self._ours, text.encode())

    def expect(self, text: str) -> None:
        """Wait until a text is shown. Raises AssertionError when it is not in time."""
        until = time.monotonic() + SECONDS
        while text not in self._shown:
            assert time.monotonic() < until, self._shown
            if select.select([self._ours], [], [], 0.2)[0]:
                self._shown += os.read(self._ours, 4096).decode(errors="replace")
