"""What the ledger keeps of the world around it: organisations, keys and policy versions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from broker.domain.channel import ChannelForm
from broker.ledger.database import Part


class Organisations(Part):
    """Organisations, credentials and policies."""

    def sync_channels(self, forms: Iterable[ChannelForm]) -> None:
        """Make channels known, each with whether the broker sends on it."""
        columns = {form.name: form.is_push for form in forms}
        self._rows(
            "organisations/sync_channels",
            {"names": list(columns), "pushes": list(columns.values())},
        )

    def sync_organisations(self, known: Sequence[tuple[str, str, str, str]]) -> None:
        """Make the directory's organisations known: code, name, kind and channel of each.

        One that the directory has dropped stays, because the history speaks of it.
        """
        codes, names, kinds, channels = (list(column) for column in zip(*known, strict=True))
        columns = {"codes": codes, "names": names, "kinds": kinds, "channels": channels}
        self._rows("organisations/sync_organisations", columns)
