"""Nothing of a test is left behind, however the process that runs it ends."""

import subprocess
import sys
from pathlib import Path

from tests.conftest import PATIENCE_SECONDS, ROOT, eventually
from tests.integration.devstack.test_engines import gone

START_AND_DIE = """
import os, pathlib, signal, sys
from broker.devstack.engines import Engines
from broker.ledger import migrate
from tests.acceptance.stack import Stack
engines = Engines(durable=False)
engines.start()
migrate.migrate(engines.database_url)
stack = Stack(engines, engines.database_url, pathlib.Path(sys.argv[1]))
stack.start_gateway()
print(stack.gateway.pid, stack.start_worker().pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_gateway_and_a_worker_end_with_the_test_that_started_them(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", START_AND_DIE, tmp_path],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        timeout=4 * PATIENCE_SECONDS,
    )
    pids = [int(word) for word in ran.stdout.split()]
    assert len(pids) == 2, ran.stderr
    assert eventually(lambda: all(gone(pid) for pid in pids))
