"""``python -m tests.mutants [PATH ...]``: try small changes to statements and functions.

Without a path: to the statements of the ledger, and the modules of policy, flow and gateway, that
differ from main. With ``--all``: to all of them. A change that no test notices is a survivor; those
that are known stand in ``survivors.txt``. The tests run in a copy of the tree.
"""

from __future__ import annotations

import argparse
import collections
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest

from tests.mutants import functions, statements
from tests.mutants.mutant import Mutant
from tests.mutants.survivors import Survivors
from tests.mutants.traces import Traces
from tests.mutants.trial import SECONDS_OF_TESTS, SQL, Trial, Verdict

ROOT = Path(__file__).parents[2]
FUNCTIONS = [Path("broker") / part for part in ("policy", "flow", "gateway")]
TRACE = Path("build") / "mutants.json"
SURVIVORS = Path("tests") / "mutants" / "survivors.txt"
TESTS = [
    *(f"tests/unit/{part}" for part in ("policy", "domain", "flow", "gateway")),
    *(f"tests/integration/{part}" for part in ("ledger", "flow", "models", "gateway")),
    "tests/integration/admin",
    "tests/integration/intake",
    *(f"tests/acceptance/{name}" for name in ("test_versions.py", "test_watch.py")),
    *(
        str(path.relative_to(ROOT))
        for kind in ("test_cases*.py", "test_untidy*.py")
        for path in sorted((ROOT / "tests/acceptance").glob(kind))
    ),
]
"""Where the tests nearest to a statement are."""
SLOW = [
    f"tests/integration/{name}.py"
    for name in (
        *("gateway/test_contract", "gateway/test_no_leak", "gateway/test_provider"),
        *("ledger/test_plans", "ledger/test_recount", "ledger/test_silent_ledger"),
    )
]
"""Tests that take long or start processes of their own: they look at more than one statement."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Try the mutants; return 1 when one survives that is not in the list."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, help="statements, or folders of them")
    parser.add_argument("--all", action="store_true", help="every statement")
    parser.add_argument("--part", default="1/1", help="1/4: the first of every four mutants")
    parser.add_argument("--tests", nargs="*", default=TESTS, help="where nearest tests may be")
    parser.add_argument(
        "--seconds", type=float, default=SECONDS_OF_TESTS, help="of tests for each, as traced"
    )
    parser.add_argument("--copy-of", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.copy_of:
        return _in_copy(options)
    files = _files(options)
    if not files:
        print("Nothing to change differs from main. Give a path, or --all.")
        return 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        return _on_a_copy(Path(folder), files, options)


def _files(options: argparse.Namespace) -> list[Path]:
    """Return the files that are asked for, relative to the root."""
    changed_in = [SQL, *FUNCTIONS]
    if options.all:
        given: Iterable[Path] = [ROOT / folder for folder in changed_in]
    elif options.paths:
        given = [path.resolve() for path in options.paths]
    else:
        where = [str(folder) for folder in changed_in]
        changed = _git("diff", "--name-only", "main...", "--", *where)
        added = _git("ls-files", "--others", "--modified", "--exclude-standard", "--", *where)
        given = [ROOT / name for name in (*changed, *added) if (ROOT / name).exists()]
    files = {file for path in given for file in ([path] if path.is_file() else path.rglob("*.*"))}
    return sorted(file.relative_to(ROOT) for file in files if file.suffix in {".sql", ".py"})


def _git(*arguments: str) -> list[str]:
    command = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()


def _on_a_copy(copy: Path, files: list[Path], options: argparse.Namespace) -> int:
    """Copy the tree, and run this module there."""
    for name in _git("ls-files", "--cached", "--others", "--exclude-standard"):
        if (ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name)
    command = [sys.executable, "-m", "tests.mutants", "--copy-of", str(ROOT)]
    command += ["--part", options.part, "--seconds", str(options.seconds)]
    command += [str(path) for path in files]
    command += ["--tests", *options.tests]
    environment = {**os.environ, "PYTHONPATH": f"{copy}{os.pathsep}{copy / 'sdk'}"}
    return subprocess.run(command, cwd=copy, env=environment, check=False).returncode


def _in_copy(options: argparse.Namespace) -> int:
    """Try the mutants; what was traced and which survive is written to the tree itself."""
    traces = Traces(options.copy_of / TRACE, ROOT)
    trial = Trial(_mutants(options.paths, options.part), ROOT, traces, options.seconds)
    skipped = [f"--ignore={path}" for path in SLOW]
    quiet = ["-s", "-p", "no:cacheprovider"]
    pytest.main([*quiet, *skipped, *options.tests], plugins=[trial])
    return _report(trial, options.copy_of / SURVIVORS) if trial.results else 2


def _mutants(paths: Iterable[Path], part: str) -> list[Mutant]:
    which, of = (int(number) for number in part.split("/"))
    everything = [mutant for path in paths for mutant in mutants_of(path)]
    return everything[which - 1 :: of]


def mutants_of(path: Path) -> list[Mutant]:
    """Return every change to a statement or a module, by its path as seen from the root."""
    text = (ROOT / path).read_text(encoding="utf-8")
    if path.suffix == ".py":
        return functions.mutants(path, text)
    return statements.mutants(f"{path.parent.name}/{path.stem}", text)


def _report(trial: Trial, listed: Path) -> int:
    """Print the figures, write the list of survivors without those that fell, name new ones."""
    counts = collections.Counter(result.verdict for result in trial.results)
    figures = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict)
    print(f"{len(trial.results)} mutants: {figures}.")
    for id_ in trial.failed:
        print(f"Fails without any change, and was left out: {id_}")
    alive = {Verdict.SURVIVED, Verdict.UNTESTED}
    names = {result.mutant.name for result in trial.results if result.verdict in alive}
    gone = {result.mutant.name for result in trial.results} - names
    known = Survivors.read(listed)
    fallen, fresh = known.fallen(gone), known.fresh(names)
    known.without(fallen).write(listed)
    for name in fallen:
        print(f"Struck off the list, a test notices it now: {name}")
    for name in fresh:
        print(f"New: no test notices it: {name}")
    if fresh:
        print(f"Write a test that notices each; {SURVIVORS} says how to list an equivalent one.")
    return 1 if fresh else 0


if __name__ == "__main__":
    sys.exit(main())
