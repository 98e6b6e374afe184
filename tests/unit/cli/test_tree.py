"""What holds for every command in the tree, however deep."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from broker.cli.main import SECTIONS, cli
from tests.unit.cli.conftest import Run

Path_ = tuple[str, ...]
GUIDE = Path("docs/cli.md").read_text()
NO_JSON = {
    ("serve",): "runs until it is ended; its log is JSON",
    ("worker",): "runs until it is ended; its log is JSON",
    ("demo",): "always ends with a line of JSON",
    ("samples", "generate"): "always prints JSON",
    ("samples", "show"): "always prints JSON",
    ("completion", "show"): "prints a script",
}
"""Commands without ``--json``, each with its reason."""


def commands(command: click.Command, path: Path_ = ()) -> Iterator[tuple[Path_, click.Command]]:
    """Return every command that does something, by the words that call it."""
    if not isinstance(command, click.Group):
        yield path, command
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        assert inner is not None
        yield from commands(inner, (*path, name))


def groups(command: click.Command, path: Path_ = ()) -> Iterator[tuple[Path_, click.Group]]:
    """Return every group below the top, by the words that call it."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        yield from [(path, command)] if path else []
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner is not None
            yield from groups(inner, (*path, name))


ALL = dict(commands(cli))
LISTING = [path for path, group in groups(cli) if "list" in group.commands]
ALIASES = [
    *(
        (alias, name)
        for entries in SECTIONS.values()
        for name, e in entries.items()
        for alias in e.aliases
    ),
    *(("queue pause", "suspend-agency"), ("queue resume", "resume-agency")),
    *((" ".join((*path, "ls")), " ".join((*path, "list"))) for path in LISTING),
]


def options(command: click.Command) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts}


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_h_is_help(run: Run, path: Path_) -> None:
    ran = run(*path, "-h")
    assert (ran.code, ran.out) == (0, run(*path, "--help").out)
    assert "Show this message and exit." in ran.out


@pytest.mark.parametrize("path", ALL, ids=" ".join)
def test_every_command_prints_json_of_a_documented_shape(path: Path_) -> None:
    assert ("--json" in options(ALL[path])) == (path not in NO_JSON)


def test_what_asks_can_be_told_not_to_and_what_it_would_do() -> None:
    hurts = {" ".join(path) for path, command in ALL.items() if "--yes" in options(command)}
    dry = {" ".join(path) for path, command in ALL.items() if "--dry-run" in options(command)}
    assert hurts <= dry
    assert hurts >= {"recall", "redirect", "suspend-agency", "keys revoke", "policy publish"}
    assert hurts >= {"people disable", "members disable", "holds release", "restore confirm"}
    undocumented = dry - {"reroute", "queue pause"}
    undocumented -= {name for name in dry if re.search(rf"broker {name} .*--dry-run", GUIDE)}
    assert not undocumented


@pytest.mark.parametrize(("alias", "name"), ALIASES)
def test_an_older_word_is_the_same_command(run: Run, alias: str, name: str) -> None:
    shown = [run(*words.split(), "-h").out.partition("\n")[2] for words in (alias, name)]
    assert shown[0] == shown[1] != ""


def test_every_older_word_is_documented() -> None:
    older = [alias for alias, _ in ALIASES if not alias.endswith(" ls")]
    assert len(older) == 6
    assert all(f"`{alias}`" in GUIDE for alias in older)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("publsh", "publish"),
        ("suspend-agncy", "suspend-agency"),
        ("queue shw", "show"),
        ("keys signing retir", "retire"),
        ("status x --jsn", "--json"),
    ],
)
def test_a_mistyped_word_is_answered_with_the_one_that_was_meant(
    run: Run, typed: str, meant: str
) -> None:
    ran = run(*typed.split())
    assert ran.code == 2
    assert "Did you mean" in ran.err
    assert f"'{meant}'" in ran.err


# completion


def completed(shell_line: str, script: Path) -> list[str]:
    """Return what bash offers for a line, by an installed script."""
    words = shell_line.split(" ")
    lines = [
        f"source {script}",
        f"COMP_WORDS=({' '.join(words)})",
        f"COMP_CWORD={len(words) - 1}",
        "_broker_completion broker",
        'printf "%s\\n" "${COMPREPLY[@]}"',
    ]
    python = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{script.parent}:{python}:{os.environ['PATH']}"}
    ran = subprocess.run(
        ["bash", "-c", "\n".join(lines)],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return ran.stdout.split()


def test_bash_completes_by_what_was_installed(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    file = tmp_path / "bash-completion/completions/broker"
    assert run("completion", "install", "bash", "--dry-run").code == 0
    assert not file.exists()
    for _ in range(2):
        assert run("completion", "install", "bash").code == 0
    script = tmp_path / "broker-completion"
    script.write_text(file.read_text())
    command = tmp_path / "broker"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m broker "$@"\n')
    command.chmod(0o755)
    assert completed("broker suspend", script) == ["suspend-agency"]
    assert completed("broker queue ", script) == ["list", "pause", "resume", "show"]
    assert "--within" in completed("broker watch deadlines --wi", script)


@pytest.mark.parametrize(
    ("shell", "variable", "place"),
    [
        ("zsh", "ZDOTDIR", ".zfunc/_broker"),
        ("fish", "XDG_CONFIG_HOME", "fish/completions/broker.fish"),
    ],
)
def test_other_shells_get_their_file_where_they_look(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shell: str, variable: str, place: str
) -> None:
    monkeypatch.setenv(variable, str(tmp_path))
    monkeypatch.setenv("SHELL", f"/usr/bin/{shell}")
    assert run("completion", "install").code == 0
    assert "_BROKER_COMPLETE" in (tmp_path / place).read_text()
    monkeypatch.setenv("SHELL", "/usr/bin/nothing")
    assert "next:  name it" in run("completion", "install").err
