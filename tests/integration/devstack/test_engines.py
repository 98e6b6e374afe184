"""The private engines are real, can be hurt, and leave nothing behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest
import redis

from broker.devstack.engines import Engines

OPEN_AND_DIE = """
import os, signal
from broker.devstack.engines import Engines
engines = Engines(durable=False)
engines.start()
print(engines.postgres._process.pid, engines.wakeup._process.pid, engines.folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def ask(url: str, question: str) -> object:
    with psycopg.connect(url, connect_timeout=5) as connection:
        row = connection.execute(question).fetchone()
    assert row is not None
    return row[0]


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return state == "Z"


def test_postgresql_answers(engines: Engines) -> None:
    assert str(ask(engines.database_url, "show server_version")).startswith("18")


def test_the_two_valkeys_are_separate_and_want_a_password(engines: Engines) -> None:
    with redis.Redis.from_url(engines.wakeup_url) as wakeup:
        wakeup.set("here", "1")
    with redis.Redis.from_url(engines.exchange_url) as exchange:
        assert exchange.get("here") is None
    nameless = "redis://" + engines.wakeup_url.rpartition("@")[2]
    with redis.Redis.from_url(nameless) as stranger, pytest.raises(redis.AuthenticationError):
        stranger.ping()


def test_a_killed_postgresql_comes_back_with_what_was_committed(tmp_path: Path) -> None:
    with Engines(durable=True) as engines:
        with psycopg.connect(engines.database_url) as connection:
            connection.execute("create table kept as select 7 as value")
        engines.postgres.kill()
        engines.postgres.start()
        assert ask(engines.database_url, "select value from kept") == 7


def test_a_killed_valkey_comes_back_empty_on_the_same_address() -> None:
    with Engines(durable=False) as engines:
        address = engines.wakeup_url
        with redis.Redis.from_url(address) as wakeup:
            wakeup.set("here", "1")
            engines.wakeup.kill()
            engines.wakeup.start()
            assert engines.wakeup_url == address
            assert wakeup.get("here") is None


def test_nothing_is_left_when_the_owner_is_killed() -> None:
    command = [sys.executable, "-c", OPEN_AND_DIE]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert run.returncode == -signal.SIGKILL, run.stderr
    postgres, valkey, folder = run.stdout.split()
    until = time.monotonic() + 10
    while Path(folder).exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert gone(int(postgres))
    assert gone(int(valkey))
    assert not Path(folder).exists()


def test_closing_removes_the_folder() -> None:
    with Engines(durable=False) as engines:
        folder = engines.folder
        assert folder.exists()
    assert not folder.exists()
