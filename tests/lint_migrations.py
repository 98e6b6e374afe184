"""Find migrations that were edited after a release, or that a ledger in use could not take.

``make check`` runs it as ``python -m tests.lint_migrations``. ``make release`` lists the files that
are new as released, and from then on they never change.
"""

import hashlib
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from broker.ledger.migrate import FOLDER, Migration, shipped

RELEASED = "released.sha256"
"""What was released, as ``sha256sum --check`` reads it; a comment names the release."""
OURS = (
    *("require-lock-timeout", "require-statement-timeout", "prefer-robust-stmts"),
    *("prefer-bigint-over-int", "prefer-bigint-over-smallint"),
)
"""Rules that are kept in another way: the runner sets both limits, and runs each file once."""
RUNS = ("in a transaction", "batches", "outside a transaction")
TAKES_AWAY = (
    *("ban-drop-column", "ban-drop-table", "renaming-column", "renaming-table"),
    *("ban-drop-not-null", "changing-column-type", "ban-drop-trigger"),
)
"""Rules that a file which says from which code on it works may break."""


def released(folder: Path) -> Mapping[str, str]:
    """Return the digest of each released file, by its name."""
    listed = folder / RELEASED
    lines = listed.read_text(encoding="utf-8").splitlines() if listed.exists() else []
    pairs = (line.split("  ", 1) for line in lines if line and not line.startswith("#"))
    return {name: digest for digest, name in pairs}


def faults(folder: Path = FOLDER) -> Iterator[str]:
    """Return what is wrong with the migrations of a folder."""
    listed = released(folder)
    for name, digest in listed.items():
        file = folder / name
        if not file.exists() or hashlib.sha256(file.read_bytes()).hexdigest() != digest:
            yield f"{name} was released and must stay as it was; write a new file"
    newest = max((int(name[:4]) for name in listed), default=0)
    fresh = [migration for migration in shipped(folder) if f"{migration.name}.sql" not in listed]
    for migration in fresh:
        yield from (f"{migration.name}: {fault}" for fault in _of_file(migration, newest))
    yield from _squawk(folder, fresh)


def _of_file(migration: Migration, newest: int) -> Iterator[str]:
    text = migration.statements
    if not text.startswith("-- "):
        yield "its first line must say what it is for"
    if migration.number <= newest:
        yield f"its number must be above {newest:04}, the last one released"
    if migration.run not in RUNS:
        yield f"it is run {migration.run!r}, which is none of {', '.join(RUNS)}"
    if migration.run == "batches" and "%(after)s" not in text:
        yield "a file that is run in batches goes on after %(after)s"
    if migration.works_from > newest:
        yield (
            f"code from {migration.works_from:04} on is not released: what it takes away is"
            f" still in use by {newest:04}; do it a version later"
        )


def _squawk(folder: Path, migrations: Sequence[Migration]) -> Iterator[str]:
    for migration in migrations:
        excluded = (*OURS, *(TAKES_AWAY if migration.works_from else ()))
        options = ["--pg-version=16", "--reporter=gcc", f"--exclude={','.join(excluded)}"]
        if migration.run == "in a transaction":
            options.append("--assume-in-transaction")
        # Squawk reads SQL without parameters.
        text = migration.statements.replace("%(after)s", "null")
        program = Path(sys.executable).with_name("squawk")
        ran = subprocess.run(
            [program, *options, "--stdin-filepath", f"{migration.name}.sql"],
            input=text,
            capture_output=True,
            text=True,
            check=False,
        )
        yield from (line for line in ran.stdout.splitlines() if line.startswith(migration.name))
        if ran.returncode and not ran.stdout:
            yield f"{migration.name}: {ran.stderr.strip()}"


def release(version: str, folder: Path = FOLDER) -> list[str]:
    """List the files that are new as released; return their names."""
    listed = released(folder)
    fresh = [f"{m.name}.sql" for m in shipped(folder) if f"{m.name}.sql" not in listed]
    with (folder / RELEASED).open("a", encoding="utf-8") as file:
        file.write(f"# {version}\n")
        for name in fresh:
            file.write(f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n")
    return fresh


def main() -> int:
    """Print what is wrong; 1 when anything is."""
    wrong = list(faults())
    for fault in wrong:
        print(fault)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
