"""How a worker starts a process, in a process of its own: this one has threads already."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.conftest import ROOT

SCRIPT = """
import json, os, sys, threading
from workers import process
from broker import telemetry
from broker.bootstrap import new_uuid7
from workers.pool import ProcessContext

def way():
    made = ProcessContext().Process(target=os.getpid)
    made.start()
    made.join()
    return made._popen.method, made.exitcode

def ids():
    reader, writer = os.pipe()
    if not os.fork():
        os.write(writer, " ".join(new_uuid7().hex[-8:] for _ in range(20)).encode())
        os._exit(0)
    os.wait()
    return os.read(reader, 1000).decode().split()

new_uuid7()
telemetry.logger("test").warning("a thread writes this line")
seen = {"alone": way(), "ids": [ids(), ids()], "modules": sorted(sys.modules)}
waiting = threading.Event()
threading.Thread(target=waiting.wait).start()
seen["with a thread"] = way()
waiting.set()
print(json.dumps(seen))
"""
NOWHERE = {
    "BROKER_DATABASE_URL": "postgresql://127.0.0.1:1/none",
    "BROKER_WAKEUP_URL": "redis://127.0.0.1:1/0",
    "BROKER_EXCHANGE_URL": "redis://127.0.0.1:1/0",
}


@pytest.fixture(scope="module")
def seen() -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={**os.environ, **NOWHERE},
        check=True,
        capture_output=True,
    )
    assert b"a thread writes this line" in run.stderr
    answer: dict[str, Any] = json.loads(run.stdout)
    return answer


def test_a_process_is_a_copy_of_a_worker_that_has_one_thread(seen: dict[str, Any]) -> None:
    """Also where a line was logged: the thread that writes lines rests meanwhile."""
    assert seen["alone"] == ["fork", 0]


def test_a_process_is_a_fresh_interpreter_beside_other_threads(seen: dict[str, Any]) -> None:
    assert seen["with a thread"] == ["spawn", 0]


def test_copies_make_different_ids(seen: dict[str, Any]) -> None:
    first, second = seen["ids"]
    assert len({*first, *second}) == 40


def test_a_worker_does_without_celerys_command_line(seen: dict[str, Any]) -> None:
    assert not {"celery.bin", "celery.bin.celery", "prompt_toolkit"} & set(seen["modules"])
