"""Run the fault campaign from a command line."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter

from tests.faults.campaign import Result, run


def main() -> int:
    """Run it and say what was found; 1 when anything was."""
    asked = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    asked.add_argument("--seconds", type=float, default=60, help="how long faults strike (60)")
    asked.add_argument("--seed", type=int, default=None, help="an earlier run's, to have it again")
    given = asked.parse_args()
    seed = given.seed if given.seed is not None else int(time.time()) % 1_000_000
    print(f"seed {seed}, faults for {given.seconds:g} s")
    result = run(seed, given.seconds, say=lambda line: print(line, flush=True))
    print(summary(result))
    return bool(result.findings)


def summary(result: Result) -> str:
    """Return what was done, and what was found."""
    journal, lines = result.journal, []
    statuses = Counter(str(call.status) for call in journal.called)
    results = Counter(str(answer.result) for answer in journal.answered)
    missed = sum("missed" in strike.note or "nobody" in strike.note for strike in journal.struck)
    breaches = sum(event["kind"] == "delivery.breached" for event in result.ledger.events)
    lines += [
        "",
        f"strikes      {len(journal.struck)}, of which {missed} hit nobody",
        f"handed in    {len(journal.handed_in)} times, {len(result.ledger.referrals)} referrals",
        f"offered      {len(journal.offered)} times, {len(result.ledger.deliveries)} deliveries",
        f"calls        {len(journal.called)}: {_counts(statuses)}",
        f"receipts     {len(journal.answered)}: {_counts(results)}",
        f"recalls      {_counts(Counter(str(made.status) for made in journal.recalled))};"
        f" redirects: {_counts(Counter(str(made.status) for made in journal.redirected))}",
        f"feeds        {len(journal.fed)} events",
        f"breaches     {breaches} told",
        f"at rest      {journal.drained_after:.1f} s after the last fault"
        f" (on a machine with {journal.crowding:.1f} processes for each processor)",
        f"journal      {result.folder}",
        f"findings     {len(result.findings)}",
    ]
    lines += [f"  {finding}" for finding in result.findings[:40]]
    return "\n".join(lines)


def _counts(counted: Counter[str]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counted.most_common())


if __name__ == "__main__":
    sys.exit(main())
