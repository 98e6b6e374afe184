"""Declare the version in ``broker/__init__.py`` released: ``make release``, then commit.

The changes that were gathered get its number and the day, and its migrations never change again.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path

import referral_broker_client

import broker
import broker.devstack
from tests.lint_migrations import FOLDER, faults, release

CHANGES = Path(__file__).parent.parent / "CHANGELOG.md"
GATHERED = "## Unreleased\n"


def declare(version: str, day: str, *, changes: Path = CHANGES, folder: Path = FOLDER) -> list[str]:
    """Write it down in the list of changes and of migrations; return what is in the way, if any."""
    text = changes.read_text(encoding="utf-8")
    in_the_way = list(faults(folder))
    if GATHERED not in text:
        in_the_way.append(f"{changes.name} has no line {GATHERED.strip()}")
    if f"\n## {version} " in text:
        in_the_way.append(f"{version} was released already")
    if not in_the_way:
        release(version, folder)
        dated = f"{GATHERED}\n## {version} ({day})\n"
        changes.write_text(text.replace(GATHERED, dated, 1), encoding="utf-8")
    return in_the_way


def main() -> int:
    """Declare it; 1 when something is in the way."""
    versions = {module.__version__ for module in (broker, broker.devstack, referral_broker_client)}
    if len(versions) > 1:
        print(f"The distributions have different versions: {', '.join(sorted(versions))}")
        return 1
    (version,) = versions
    in_the_way = declare(version, f"{datetime.now(UTC):%Y-%m-%d}")
    print("\n".join(in_the_way) or f'{version} is declared: commit this as "Release {version}"')
    return bool(in_the_way)


if __name__ == "__main__":
    sys.exit(main())
