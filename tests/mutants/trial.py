"""A plugin of pytest that tries mutants: each in a process of its own, on engines that all share.

The engines, the template of the databases and every module stand before the first mutant; a fork
sees one changed statement and runs the tests nearest to it until one fails.
"""

from __future__ import annotations

import enum
import mmap
import os
import signal
import sys
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import psycopg
import pytest
from _pytest.runner import runtestprotocol

from broker.devstack.engines import Engines
from broker.ledger import database
from tests.mutants import functions
from tests.mutants.mutant import Mutant
from tests.mutants.traces import Traced, Traces

SQL = Path("broker") / "ledger" / "sql"
SECONDS_OF_TESTS = 15.0
"""The tests of one mutant take no longer than this, by what they took when they were traced."""
TOLD_AFTER = 50
"""So many tests are traced between two lines about it."""
LONGEST_TEST_SECONDS = 6.0
PATIENCE = 4.0
"""A test of a mutant may take so many times what it took before, ..."""
GRACE_SECONDS = 8.0
"""... and so much more."""
WRITTEN_AFTER = 50
"""So many mutants are tried between two times that what noticed them is written down."""
INVALID = ("errors.SyntaxError", "errors.UndefinedFunction", "errors.IndeterminateDatatype")
"""What PostgreSQL says of a statement that it cannot even plan: no test is needed to see it."""


class Verdict(enum.StrEnum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    TIMED_OUT = "timed out"
    INVALID = "invalid"
    UNTESTED = "untested"


_VERDICTS = [Verdict.SURVIVED, Verdict.KILLED, Verdict.INVALID]
"""By the code with which a process of one mutant ends."""


@dataclass(frozen=True, slots=True)
class Result:
    """A mutant and what became of it."""

    mutant: Mutant
    verdict: Verdict
    seconds: float
    tests: int
    """How many were run."""
    by: str | None = None
    """The test that noticed it, or was not done when its time was over."""

    @property
    def line(self) -> str:
        """How it is printed."""
        by = f", {self.by.removeprefix('tests/')}" if self.by else ""
        what = f"{self.verdict} {self.mutant.name}"
        return f"{what} ({self.tests} tests, {self.seconds:.1f} s{by})"


@dataclass(eq=False)
class Trial:
    """Runs the tests of a session to see which statements they run, then tries the mutants."""

    mutants: Sequence[Mutant]
    root: Path
    """The copy of the tree."""
    traces: Traces
    """Tests that stand there are not run again to trace them."""
    seconds: float = SECONDS_OF_TESTS
    results: list[Result] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """Tests that fail on what was not changed."""
    _engines: Engines | None = None
    _shared_seconds: float = 0.0
    """What fixtures took that many tests share: no test's own time."""

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[Any]) -> Generator[Any, Any, Any]:
        """Remember the engines that all tests share, and how long such fixtures take."""
        began = time.monotonic()
        made = yield
        if fixturedef.scope != "function":
            self._shared_seconds += time.monotonic() - began
        if fixturedef.argname == "engines":
            self._engines = made
        return made

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Trace what has not been traced, then try each mutant."""
        if session.testsfailed or not session.items:
            return False
        items = {item.nodeid: item for item in session.items}
        self._trace(items)
        for number, mutant in enumerate(self.mutants, 1):
            result = self._try(mutant, [items[id_] for id_ in self._nearest(mutant, items)])
            self._note(result)
            print(f"{number}/{len(self.mutants)} {result.line}", flush=True)
            if number % WRITTEN_AFTER == 0 or number == len(self.mutants):
                self.traces.write()
        return True

    @property
    def _slowness(self) -> float:
        """How much slower this machine is, by the seconds that the tests of a mutant may take."""
        return max(1.0, self.seconds / SECONDS_OF_TESTS)

    def _note(self, result: Result) -> None:
        self.results.append(result)
        if result.verdict is Verdict.KILLED and result.by:
            noticed = self.traces.by_test[result.by].noticed
            noticed[result.mutant.place] = noticed.get(result.mutant.place, 0) + 1

    def _trace(self, items: dict[str, pytest.Item]) -> None:
        fresh = [item for id_, item in items.items() if id_ not in self.traces.by_test]
        # The engines stand from the first test on; so one is run in any case, and not measured.
        first = (fresh or list(items.values()))[0]
        if not _passes(first):
            pytest.exit(f"The first test fails without any change: {first.nodeid}")
        for number, item in enumerate(fresh):
            if number % TOLD_AFTER == 0:
                print(f"Tracing what tests run, once: {number} of {len(fresh)}", flush=True)
                self.traces.write()
            with _what_runs(self.root) as ran:
                began = time.monotonic() - self._shared_seconds
                is_passed = _passes(item)
            if not is_passed:
                self.failed.append(item.nodeid)
                continue
            seconds = time.monotonic() - self._shared_seconds - began
            self.traces.by_test[item.nodeid] = Traced(seconds, sorted(ran))
        self.traces.write()

    def _nearest(self, mutant: Mutant, items: dict[str, pytest.Item]) -> list[str]:
        """Return the tests that run a statement, in the order in which they are worth a try.

        Those that noticed other changes of it come first, then those that run little else.
        """
        place = mutant.place
        near = sorted(
            (-traced.noticed.get(place, 0), len(traced.ran), traced.seconds, id_)
            for id_, traced in self.traces.by_test.items()
            if place in traced.ran
            and id_ in items
            and traced.seconds < LONGEST_TEST_SECONDS * self._slowness
        )
        nearest, total = [], 0.0
        for _, _, seconds, id_ in near:
            if total + seconds <= self.seconds:
                nearest.append(id_)
                total += seconds
        return nearest

    def _try(self, mutant: Mutant, items: list[pytest.Item]) -> Result:
        began = time.monotonic()
        limits = [
            PATIENCE * self.traces.by_test[item.nodeid].seconds + GRACE_SECONDS * self._slowness
            for item in items
        ]
        with _changed(mutant, self.root):
            verdict, last = _in_a_fork(mutant, self.root, items, limits)
        if verdict is Verdict.TIMED_OUT and self._engines:
            _clear_databases(self._engines.database_url)
        is_over = verdict in {Verdict.SURVIVED, Verdict.UNTESTED, Verdict.INVALID}
        by = None if is_over else items[last].nodeid
        return Result(mutant, verdict, time.monotonic() - began, min(last + 1, len(items)), by)


@contextmanager
def _changed(mutant: Mutant, root: Path) -> Iterator[None]:
    """Write a changed statement into the copy, for a while; functions are changed in the fork."""
    path = root / SQL / f"{mutant.place}.sql"
    if not path.exists():
        yield
        return
    before = path.read_bytes()
    try:
        path.write_text(mutant.text, encoding="utf-8")
        yield
    finally:
        path.write_bytes(before)


@contextmanager
def _what_runs(root: Path) -> Iterator[set[str]]:
    """Collect which statements, and which functions of the broker, are run meanwhile."""
    ran: set[str] = set()
    codes: set[CodeType] = set()
    read = database.statement

    def noted(name: str) -> bytes:
        ran.add(name)
        return read(name)

    def called(frame: FrameType, _event: str, _argument: object) -> None:
        codes.add(frame.f_code)

    database.statement = noted  # type: ignore[assignment]
    threading.settrace(called)
    sys.settrace(called)
    try:
        yield ran
    finally:
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]
        database.statement = read
        # Threads of a test may outlive it, and are still at work.
        ran |= {name for code in codes.copy() if (name := _called(code, root))}


def _called(code: CodeType, root: Path) -> str | None:
    """Return how a function of the broker is called in the names of mutants."""
    path = Path(code.co_filename)
    if not path.is_relative_to(root / "broker"):
        return None
    return f"{path.relative_to(root)}:{code.co_qualname.split('.<locals>')[0]}"


def _reports(item: pytest.Item) -> list[pytest.TestReport]:
    """Run a test so that everything of it ends, and the engines outlive it."""
    return runtestprotocol(item, log=False, nextitem=item.session)  # type: ignore[arg-type]


def _passes(item: pytest.Item) -> bool:
    return not any(report.failed for report in _reports(item))


def _in_a_fork(
    mutant: Mutant, root: Path, items: list[pytest.Item], limits: Sequence[float]
) -> tuple[Verdict, int]:
    """Run tests in a process of their own until one fails; return the place of the last as well.

    Each test has its own limit, so that one that waits for good is not waited for as long as all.
    """
    if not items:
        return Verdict.UNTESTED, 0
    sys.stdout.flush()
    with mmap.mmap(-1, mmap.PAGESIZE) as board:
        child = os.fork()
        if child == 0:
            _be_tried(mutant, root, items, board)
        last, until = 0, time.monotonic() + limits[0]
        while time.monotonic() < until:
            ended, status = os.waitpid(child, os.WNOHANG)
            running = _read(board)
            if ended:
                code = os.waitstatus_to_exitcode(status)
                known = 0 <= code < len(_VERDICTS)
                return _VERDICTS[code] if known else Verdict.KILLED, running
            if running != last:
                last, until = running, time.monotonic() + limits[running]
            time.sleep(0.02)
    os.killpg(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return Verdict.TIMED_OUT, last


def _read(board: mmap.mmap) -> int:
    return int.from_bytes(board[:4], "big")


def _be_tried(mutant: Mutant, root: Path, items: list[pytest.Item], board: mmap.mmap) -> None:
    """Run tests in the forked process, which ends here whatever happens."""
    code = _VERDICTS.index(Verdict.KILLED)
    try:
        os.setsid()
        database.statement.cache_clear()
        is_there = ":" not in mutant.place or functions.put_in_place(mutant, root)
        code = _VERDICTS.index(_verdict(items, board) if is_there else Verdict.INVALID)
    finally:
        os._exit(code)


def _verdict(items: list[pytest.Item], board: mmap.mmap) -> Verdict:
    for place, item in enumerate(items):
        board[:4] = place.to_bytes(4, "big")
        failed = [report for report in _reports(item) if report.failed]
        if failed:
            text = "".join(report.longreprtext for report in failed)
            return Verdict.INVALID if any(sign in text for sign in INVALID) else Verdict.KILLED
    return Verdict.SURVIVED


def _clear_databases(url: str) -> None:
    """Drop the databases of a process that was killed: the next one gives the same names."""
    with psycopg.connect(url, autocommit=True) as connection:
        names = connection.execute(
            "select datname from pg_database where not datistemplate and datname <> 'postgres'"
            " and datname not like '%template%'"
        ).fetchall()
        for (name,) in names:
            connection.execute(f'drop database "{name}" with (force)'.encode())
