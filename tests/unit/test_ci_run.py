"""``.ci/run`` with programs that only say what they were asked: what fails, and what it leaves."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

from tests.conftest import PATIENCE_SECONDS, ROOT, eventually

PRESENT = (
    *("chromium", "promtool", "rabbitmqctl", "faketime", "redis-sentinel", "pgbouncer"),
    *("kubectl", "zsh", "fish"),
)
SYSTEM = ("bash", "cat", "chmod", "chown", "dirname", "env", "ln", "mkdir", "mktemp", "rm", "sleep")
"""What the script itself calls, and the programs of this test."""
MAKE = """#!/bin/bash
echo "make $*"
for word in $FAILS; do [[ " $* " != *" $word "* ]] || { echo "$word is wrong"; exit 2; }; done
for word in $HANGS; do
  [[ " $* " != *" $word "* ]] || { echo $$ >> "$PIDS"; sleep 600 & echo $! >> "$PIDS"; wait; }
done
"""
GIT = """#!/bin/bash
mkdir -p "${@: -1}"
"""


class Run:
    """A copy of ``.ci/run`` in a folder, with programs of the test's own before all others."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.pids = folder, folder / "pids"
        self.temporary = folder / "temporary"
        for name in ("bin", "temporary", "checkout/.ci"):
            (folder / name).mkdir(parents=True)
        shutil.copy(ROOT / ".ci" / "run", folder / "checkout" / ".ci" / "run")
        programs = {"make": MAKE, "git": GIT, **dict.fromkeys((*PRESENT, "npm"), GIT)}
        for name, text in programs.items():
            self.add(name, text)

    def add(self, name: str, text: str) -> None:
        """Put a program before all others of its name."""
        (self.folder / "bin" / name).write_text(text)
        (self.folder / "bin" / name).chmod(0o755)

    def hide(self, *names: str) -> str:
        """Return a path for programs on which these, and all that no test names, are missing."""
        for name in names:
            (self.folder / "bin" / name).unlink()
        for name in SYSTEM:
            (self.folder / "bin" / name).symlink_to(shutil.which(name) or name)
        return str(self.folder / "bin")

    def start(self, **settings: str) -> subprocess.Popen[str]:
        environment: Mapping[str, str] = {
            **os.environ,
            **{"PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}", "PIDS": str(self.pids)},
            **{"TMPDIR": str(self.temporary), "FAILS": "", "HANGS": "", **settings},
        }
        return subprocess.Popen(
            [self.folder / "checkout" / ".ci" / "run"],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def running(self) -> list[int]:
        """Return which of the processes that hang are there."""
        started = self.pids.read_text().split() if self.pids.exists() else []
        return [int(pid) for pid in started if is_running(int(pid))]


def is_running(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.fixture
def run(short: Path) -> Iterator[Run]:
    """The script, ready to be started; nothing of it is left after the test."""
    script = Run(short)
    yield script
    for pid in script.running():
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def test_all_that_is_well_ends_well_and_leaves_nothing(run: Run) -> None:
    process = run.start()
    output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, output
    for step in ("make demo", "make check docs", "make lint-api"):
        assert f"\n{step}" in output
    assert "checkout test\n" in output
    assert list(run.temporary.iterdir()) == []


@pytest.mark.parametrize("step", ["demo", "check", "lint-api"])
def test_what_fails_beside_fails_the_run_and_says_why(run: Run, step: str) -> None:
    process = run.start(FAILS=step)
    output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 2, output
    assert f"{step} is wrong" in output
    assert "== done" not in output
    assert list(run.temporary.iterdir()) == []


@pytest.mark.parametrize("is_whole_group", [False, True])
def test_a_run_that_is_stopped_ends_all_its_steps(run: Run, is_whole_group: bool) -> None:
    process = run.start(HANGS="check test")
    eventually(lambda: len(run.running()) == 4)
    (os.killpg if is_whole_group else os.kill)(process.pid, signal.SIGTERM)
    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode not in (0, None)
    assert run.running() == []
    assert list(run.temporary.iterdir()) == []


def test_only_the_packages_of_missing_programs_are_installed(run: Run) -> None:
    """A program may be here from another package, which is in the way of Debian's."""
    path = run.hide("promtool", "fish")
    run.add("id", "#!/bin/bash\necho 0\n")
    run.add("setpriv", '#!/bin/bash\nexec "${@:4}"\n')
    installed = run.folder / "installed"
    run.add("apt-get", f'#!/bin/bash\necho "$*" >> {installed}\n')
    process = run.start(PATH=path)
    output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0, output
    (_, install) = installed.read_text().splitlines()
    packages = install.partition("--no-install-recommends ")[2].split()
    assert sorted(packages) == ["fish", "prometheus"]
