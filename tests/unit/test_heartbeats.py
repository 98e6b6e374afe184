"""A process with a stuck thread says so and ends itself; a frozen one gets its time again."""

import subprocess
import sys
import threading

from broker.heartbeats import EXIT_CODE, NOTICE_SECONDS, Heartbeats, Watchdog, beat

LIMIT = 30.0


def watched() -> tuple[Heartbeats, Watchdog, list[str]]:
    heartbeats, ended = Heartbeats(), list[str]()
    return heartbeats, Watchdog(heartbeats, limit=LIMIT, end=lambda: ended.append("end")), ended


def test_a_stuck_thread_is_named_and_then_ends_the_process() -> None:
    heartbeats, watchdog, ended = watched()
    heartbeats.beat("sweeping")
    watchdog.look()
    watchdog.look(LIMIT - 1)
    assert watchdog.stuck() == []
    watchdog.look(1)
    assert watchdog.stuck() == ["sweeping"]
    assert not ended
    watchdog.look(NOTICE_SECONDS)
    assert ended == ["end"]


def test_a_heartbeat_gives_a_thread_all_its_time_again() -> None:
    heartbeats, watchdog, ended = watched()
    for _ in range(3):
        heartbeats.beat("sweeping")
        watchdog.look(LIMIT + NOTICE_SECONDS)
        watchdog.look(LIMIT - 1)
    assert watchdog.stuck() == []
    assert not ended


def test_one_thread_that_goes_on_does_not_hide_another_that_is_stuck() -> None:
    heartbeats, watchdog, _ = watched()
    heartbeats.beat("sweeping")
    for _ in range(int(LIMIT) + 1):
        heartbeats.beat("watching")
        watchdog.look()
    assert watchdog.stuck() == ["sweeping"]


def test_a_thread_that_has_ended_in_order_is_not_watched() -> None:
    heartbeats, watchdog, _ = watched()
    with heartbeats.of_this_thread("sweeping"):
        beat()
        watchdog.look()
    watchdog.look(LIMIT)
    assert watchdog.stuck() == []


def test_a_heartbeat_counts_for_its_own_thread() -> None:
    heartbeats = Heartbeats()
    with heartbeats.of_this_thread("this"):
        thread = threading.Thread(target=beat)
        thread.start()
        thread.join()
        assert heartbeats.counts() == {"this": 1}


def test_a_real_process_ends_with_a_code_that_a_supervisor_sees() -> None:
    program = """
import threading, time
from broker import telemetry
from broker.heartbeats import Heartbeats, Watchdog
import broker.heartbeats
broker.heartbeats.LOOK_SECONDS = broker.heartbeats.NOTICE_SECONDS = 0.1
telemetry.configure("info")
heartbeats = Heartbeats()
def hang():
    with heartbeats.of_this_thread("sweeping"):
        threading.Event().wait()
threading.Thread(target=hang, daemon=True).start()
Watchdog(heartbeats, limit=0.2).start()
threading.Event().wait(60)
"""
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, check=False, timeout=60
    )
    assert ran.returncode == EXIT_CODE
    assert b'"thread stuck"' in ran.stderr
    assert b'"lane":"sweeping"' in ran.stderr
