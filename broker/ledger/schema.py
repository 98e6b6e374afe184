"""Which versions of the ledger's tables this code can work with.

It needs every migration that it ships, and works with any newer one that does not say otherwise:
a file that takes something away says from which code on it works (``broker.ledger.migrate``).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from broker.errors import LedgerRefused
from broker.ledger.database import Part
from broker.ledger.migrate import number_of, shipped

MIGRATE = "run `broker migrate` of this version as the owner of the tables"

NEWER = "start the version that migrated the ledger"


@dataclass(frozen=True, slots=True)
class OwnRights:
    """What the role that the broker works as could do."""

    role: str
    is_superuser: bool
    is_owner: bool
    alters_history: bool


class Schema(Part):
    """The tables themselves: their version, and who may change them."""

    def check(self) -> None:
        """Check that this code can work with these tables. Raises LedgerRefused."""
        unfit = misfit(self.applied(), _shipped_names())
        if unfit:
            raise unfit

    def applied(self) -> Mapping[str, int]:
        """Return every migration applied, and from which newest file on code works with it."""
        return {row["name"]: row["works_from"] for row in self._rows("schema/applied", {})}

    def own_rights(self) -> OwnRights:
        """Return what the role of this connection could do."""
        (row,) = self._rows("schema/own_rights", {})
        return OwnRights(**row)


def misfit(applied: Mapping[str, int], names: Sequence[str]) -> LedgerRefused | None:
    """Return why code that ships these migrations cannot work with these; None if it can."""
    missing = [name for name in names if name not in applied]
    if missing:
        reason = (
            f"The ledger lacks {len(missing)} of this version's migrations, from {missing[0]} on."
        )
        return LedgerRefused("schema", reason, next_step=MIGRATE)
    newest = number_of(names[-1])
    taken = sorted(name for name, works_from in applied.items() if works_from > newest)
    if taken:
        reason = f"Migration {taken[0]} took away what this version needs: it is too old."
        return LedgerRefused("schema", reason, next_step=NEWER)
    return None


@cache
def _shipped_names() -> Sequence[str]:
    return [migration.name for migration in shipped()]
