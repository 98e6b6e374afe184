"""Child processes: nothing is left running, and one that ends by itself is told."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from broker.cli.exit_codes import Failure
from broker.devstack import processes as module
from broker.devstack.processes import Children
from broker.devstack.reaper import Reaper

WAIT = "import signal; print('up', flush=True); signal.pause()"
STUBBORN = (
    "import os, signal, sys, time\n"
    "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
    "child = os.fork()\n"
    "print(os.getpid(), flush=True)\n"
    "while True: signal.pause()"
)


def is_running(pid: int) -> bool:
    """Whether the process does anything; one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split(")")[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def eventually(check: Callable[[], bool], within: float = 60) -> bool:
    until, pause = time.monotonic() + within, threading.Event()
    while not check():
        if time.monotonic() > until:
            return False
        pause.wait(0.01)
    return True


def wait_for(log: Path, lines: int) -> list[str]:
    assert eventually(lambda: log.exists() and len(log.read_text().split()) >= lines)
    return log.read_text().split()


@pytest.fixture
def reaper() -> Iterator[Reaper]:
    """A process that ends what ours leaves behind."""
    running = Reaper()
    yield running
    running.close()


def test_leaving_the_block_ends_everything(tmp_path: Path, reaper: Reaper) -> None:
    with Children(tmp_path, reaper) as children:
        children.start("one", [sys.executable, "-c", WAIT], environment={})
        wait_for(tmp_path / "one.log", 1)
        pid = children._children[0].process.pid
        assert is_running(pid)
    assert not is_running(pid)


def test_one_that_does_not_end_is_killed_with_its_own_children(
    tmp_path: Path, reaper: Reaper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "STOP_SECONDS", 0.2)
    with Children(tmp_path, reaper) as children:
        children.start("stubborn", [sys.executable, "-c", STUBBORN], environment={})
        pids = [int(pid) for pid in wait_for(tmp_path / "stubborn.log", 2)]
        assert all(is_running(pid) for pid in pids)
    assert eventually(lambda: not any(is_running(pid) for pid in pids))


def test_one_that_ends_by_itself_is_told_with_the_end_of_its_log(
    tmp_path: Path, reaper: Reaper
) -> None:
    with Children(tmp_path, reaper) as children:
        children.start("bad", [sys.executable, "-c", "raise SystemExit('no room')"], environment={})
        children._children[0].process.wait()
        with pytest.raises(Failure, match=r"bad ended by itself(.|\n)*no room"):
            children.check()


def test_only_those_named_are_ended(tmp_path: Path, reaper: Reaper) -> None:
    with Children(tmp_path, reaper) as children:
        for name in ("one", "two"):
            children.start(name, [sys.executable, "-c", WAIT], environment={})
        children.stop(["one"])
        assert [child.name for child in children._children] == ["two"]
        children.check()


def test_ctrl_c_in_our_terminal_reaches_them_through_us_alone(
    tmp_path: Path, reaper: Reaper
) -> None:
    with Children(tmp_path, reaper) as children:
        children.start("one", [sys.executable, "-c", WAIT], environment={})
        pid = children._children[0].process.pid
        assert os.getpgid(pid) != os.getpgid(0)
        os.kill(pid, signal.SIGKILL)


def test_when_we_are_killed_the_reaper_ends_them_and_what_they_started(
    tmp_path: Path, reaper: Reaper
) -> None:
    with Children(tmp_path, reaper) as children:
        children.start("stubborn", [sys.executable, "-c", STUBBORN], environment={})
        pids = [int(pid) for pid in wait_for(tmp_path / "stubborn.log", 2)]
        reaper.close()  # as the kernel closes the pipe of a process that was killed
        assert eventually(lambda: not any(is_running(pid) for pid in pids))
        children._children.clear()


def test_what_the_user_set_for_another_broker_does_not_reach_them(
    tmp_path: Path, reaper: Reaper, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BROKER_DATABASE_URL_FILE", "elsewhere")
    tell = "import os; print(sorted(n for n in os.environ if n.startswith('BROKER_')))"
    with Children(tmp_path, reaper) as children:
        children.start("one", [sys.executable, "-c", tell], environment={"BROKER_X": "ours"})
        children._children[0].process.wait()
    assert (tmp_path / "one.log").read_text().strip() == "['BROKER_X']"
