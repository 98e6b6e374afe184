"""Commands in a real terminal: its width, its colours, and what asks before it is done."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from broker.devstack.rebase_times import rebase
from broker.flow.context import Context
from tests.acceptance.conftest import World, about_nobody, sample
from tests.conftest import PATIENCE_SECONDS, FixedClock
from tests.integration.gateway.conftest import listening

ESCAPE = "\x1b["
Terminal = Callable[..., tuple[int, str]]


@pytest.fixture
def clock() -> FixedClock:
    return FixedClock(datetime.now(UTC))


@pytest.fixture
def terminal(context: Context, key: Callable[..., dict[str, str]]) -> Iterator[Terminal]:
    """Run ``broker`` in a terminal of so many columns; return its exit code and what it shows."""
    secret = key("ops", "ops")["Authorization"].removeprefix("Bearer ")
    usual = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "TERM")}
    with listening(context) as url:

        def running(
            *arguments: str, columns: int = 80, typed: str = "", **environment: str
        ) -> tuple[int, str]:
            own = {"BROKER_URL": url, "BROKER_KEY": secret, "TERM": "xterm-256color"}
            return _run(arguments, {**usual, **own, **environment}, columns, typed)

        yield running


def _run(
    arguments: tuple[str, ...], environment: dict[str, str], columns: int, typed: str
) -> tuple[int, str]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    command = [sys.executable, "-m", "broker", *arguments]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ) as running:
        os.close(theirs)
        os.write(ours, typed.encode())
        shown = b""
        while True:
            try:
                part = os.read(ours, 65536)
            except OSError:  # Linux says so when the last process has closed its end.
                break
            shown += part
        code = running.wait(PATIENCE_SECONDS)
    os.close(ours)
    return code, shown.decode().replace("\r\n", "\n")


@pytest.fixture
def ids(world: World, context: Context) -> dict[str, str]:
    """What each list shows an id of: a delivery, an escalation, a referral and a task."""
    world.routed(rebase(sample(2), now=world.clock.now))
    unroutable = world.routed(rebase(sample(10), now=world.clock.now))
    world.routed(about_nobody(rebase(sample(1), now=world.clock.now)))
    world.clock.now += timedelta(days=3)
    world.watch()
    with psycopg.connect(context.settings.database_url) as connection:
        (escalation,) = connection.execute("select id from escalation limit 1").fetchone() or ("",)
        agency, delivery = connection.execute(
            "select agency, id from delivery where is_open(delivery) order by id limit 1"
        ).fetchone() or ("", "")
        (task,) = connection.execute("select id from task limit 1").fetchone() or ("",)
    return {
        f"queue show {agency}": str(delivery),
        "escalations": str(escalation),
        "attention": unroutable["id"],
        "tasks list": str(task),
    }


@pytest.mark.parametrize("columns", [50, 80, 200])
def test_an_id_is_never_folded(terminal: Terminal, ids: dict[str, str], columns: int) -> None:
    for command, id_ in ids.items():
        code, shown = terminal(*command.split(), columns=columns)
        assert code == 0, shown
        assert id_ in shown


@pytest.mark.parametrize("setting", [{"NO_COLOR": "1"}, {"TERM": "dumb"}, {}])
@pytest.mark.parametrize(
    "command", [("attention",), ("top", "--once"), ("queue", "show", "nowhere"), ("status", "x")]
)
def test_colour_is_for_those_who_want_it(
    terminal: Terminal, command: tuple[str, ...], setting: dict[str, str]
) -> None:
    _, shown = terminal(*command, **setting)
    assert (ESCAPE in shown) == (not setting), shown


def test_doctor_obeys_no_color(terminal: Terminal, context: Context) -> None:
    settings = context.settings
    engines = {
        "BROKER_DATABASE_URL": settings.database_url,
        "BROKER_WAKEUP_URL": settings.wakeup_url,
        "BROKER_EXCHANGE_URL": settings.exchange_url,
    }
    assert ESCAPE in terminal("doctor", **engines)[1]
    assert ESCAPE not in terminal("doctor", NO_COLOR="1", **engines)[1]


@pytest.mark.parametrize(("typed", "code", "suspended"), [("n\n", 1, 0), ("y\n", 0, 1)])
def test_what_hurts_is_asked_at_a_terminal(
    terminal: Terminal, context: Context, typed: str, code: int, suspended: int
) -> None:
    command = ("suspend-agency", "stoke-csc", "--reason", "rebuilt", "--by", "Jo Example")
    ended, shown = terminal(*command, typed=typed)
    assert ended == code
    assert "will be offered nothing until it is resumed" in shown
    assert ("nothing was changed" in shown) == (not suspended)
    with psycopg.connect(context.settings.database_url) as connection:
        assert connection.execute("select count(*) from stop").fetchone() == (suspended,)


def test_yes_is_not_asked(terminal: Terminal) -> None:
    command = ("suspend-agency", "stoke-csc", "--reason", "rebuilt", "--by", "Jo Example", "--yes")
    code, shown = terminal(*command)
    assert (code, re.search(r"\[y/N\]", shown)) == (0, None)
