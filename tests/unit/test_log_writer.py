"""A log line that cannot be written costs itself and nothing else, and is counted."""

import json
import os
import subprocess
import sys
import threading
from pathlib import Path

from broker.log_writer import MOST_WAITING, LogWriter
from tests.conftest import PATIENCE_SECONDS, eventually


def describe(lines: int) -> str:
    return json.dumps({"dropped": lines}) + "\n"


def test_lines_are_written_in_order(tmp_path: Path) -> None:
    with (tmp_path / "log").open("wb") as log:
        writer = LogWriter(log.fileno(), describe)
        for number in range(1000):
            writer.write(f"{number}\n")
        writer.close(PATIENCE_SECONDS)
    lines = (tmp_path / "log").read_text(encoding="utf-8").splitlines()
    assert lines == [str(number) for number in range(1000)]
    assert writer.dropped == 0


def test_a_full_disk_costs_the_lines_alone() -> None:
    with Path("/dev/full").open("wb") as full:
        writer = LogWriter(full.fileno(), describe)
        for _ in range(7):
            writer.write("line\n")
        eventually(lambda: writer.dropped == 7)


def test_what_was_lost_is_said_as_soon_as_something_can_be_written(tmp_path: Path) -> None:
    log = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT)
    with Path("/dev/full").open("wb") as full:
        descriptor = os.dup(full.fileno())
        writer = LogWriter(descriptor, describe)
        writer.write("lost\n")
        eventually(lambda: writer.dropped)
        os.dup2(log, descriptor)
        writer.write("written\n")
        writer.close(PATIENCE_SECONDS)
    written = (tmp_path / "log").read_text(encoding="utf-8").split()
    assert written[0] == "written"
    assert '"dropped":1' in "".join(written[1:])
    os.close(log)
    os.close(descriptor)


def test_a_reader_that_hangs_holds_up_nobody() -> None:
    reader, writer_end = os.pipe()
    writer = LogWriter(writer_end, describe)
    for _ in range(MOST_WAITING * 2):
        writer.write("x" * 100 + "\n")
    assert writer.dropped >= MOST_WAITING / 2
    writer.close(0.1)
    os.close(reader)  # ends the write that waits
    eventually(lambda: writer.dropped >= MOST_WAITING)


def test_a_process_without_standard_error_drops_lines_and_lends_its_number_to_nobody() -> None:
    program = """
import os, socket, sys
from broker import telemetry
telemetry.configure("info")
connection, other_end = socket.socketpair()
assert 2 not in (connection.fileno(), other_end.fileno())
telemetry.logger("test").warning("lost")
other_end.setblocking(False)
try:
    other_end.recv(100)
except BlockingIOError:
    print(telemetry.dropped_lines())
"""
    ran = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" 2>&-', "sh", sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    assert ran.stdout == b"1\n"


def test_a_child_after_a_fork_writes_its_own_lines(tmp_path: Path) -> None:
    log = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    writer = LogWriter(log, describe)
    writer.write("parent\n")
    writer.close(PATIENCE_SECONDS)
    child = os.fork()
    if not child:
        writer.write("child\n")
        writer.close(PATIENCE_SECONDS)
        os._exit(0)
    os.waitpid(child, 0)
    os.close(log)
    assert (tmp_path / "log").read_text(encoding="utf-8").split() == ["parent", "child"]


def test_a_writer_at_rest_has_no_thread_and_goes_on_with_the_next_line(tmp_path: Path) -> None:
    log = os.open(tmp_path / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    writer, threads = LogWriter(log, describe), threading.active_count()
    for line in ("first\n", "second\n"):
        writer.write(line)
        writer.rest(PATIENCE_SECONDS)
        assert threading.active_count() == threads
    os.close(log)
    assert (tmp_path / "log").read_text(encoding="utf-8").split() == ["first", "second"]
