"""What the ledger keeps of the world around it: organisations, keys and policy versions."""

from __future__ import annotations

from collections.abc import Sequence

from broker.ledger.database import Part


class Organisations(Part):
    """Organisations, credentials and policies."""

    def sync_organisations(self, known: Sequence[tuple[str, str, str, str]]) -> None:
        """Make the directory's organisations known: code, name, kind and channel of each.

        One that the directory has dropped stays, because the history speaks of it.
        """
        codes, names, kinds, channels = (list(column) for column in zip(*known, strict=True))
        columns = {"codes": codes, "names": names, "kinds": kinds, "channels": channels}
        self._rows("organisations/sync_organisations", columns)
