"""An act that the gateway tries first: it does the act, rolls it back and says what it wrote."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from broker.cli.confirmation import confirm, end_dry_run
from broker.cli.output import local, print_json

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Attempt:
    """How to try an act, and how to say in words what it would do."""

    dry_run: Callable[[], Json]
    """Asks the gateway; raises what the act raises."""
    effect: Callable[[Json], str]

    def confirmed(
        self, question: str, *, is_confirmed: bool, is_dry_run: bool, as_json: bool
    ) -> bool:
        """Return whether to go on; see ``confirm``. A dry run in JSON prints all of the answer."""
        if is_dry_run and as_json:
            print_json(self.dry_run())
            end_dry_run()
            return False
        return confirm(self._words, question, is_confirmed=is_confirmed, is_dry_run=is_dry_run)

    def _words(self) -> str:
        dry_run = self.dry_run()
        return "\n".join([self.effect(dry_run), *_written(dry_run)])


def _written(dry_run: Json) -> list[str]:
    """Return what would be written, one line an event, and the deadlines that would be."""
    if not dry_run["events"]:
        return ["Nothing would be written: it was done before."]
    deliveries = {delivery["id"]: delivery for delivery in dry_run["deliveries"]}
    lines, dated = ["These events would be written:"], set[str]()
    for event in dry_run["events"]:
        lines.append("  ".join(["", event["kind"], event["agency_name"] or ""]).rstrip())
        delivery = deliveries.get(event["delivery"])
        if delivery and delivery["id"] not in dated:
            dated.add(delivery["id"])
            lines += [
                f"    {name.removesuffix('_by')} by {local(at)}"
                for name, at in delivery["deadlines"].items()
                if at
            ]
    return lines
