"""What a settled correction or recall has replaced, so that an old copy cannot come back."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from referral_broker_client.delivery import Delivery

RECALL = "recall"
KEPT_SECONDS = 8 * 86_400
"""Longer than a copy may be old: after that it is dropped for its age."""
BUSY_SECONDS = 10.0
"""How long to wait for another process of the agency that writes."""
_TABLE = "create table if not exists replaced (name text primary key, at real not null)"


class Replaced:
    """The ids of replaced and recalled deliveries and of recalled referrals, for this process or in
    a file.

    The file holds ids alone. Processes that name the same one share it. Raises sqlite3.Error when
    it cannot be written.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._database = sqlite3.connect(
            file or ":memory:",
            timeout=BUSY_SECONDS,
            isolation_level=None,
            check_same_thread=False,
        )
        self._database.execute(_TABLE)

    def add(self, delivery: str) -> None:
        """Remember a delivery that a later version has replaced."""
        self._write(delivery)

    def add_recalled(self, recall: Delivery) -> None:
        """Remember the referral that was recalled, or the deliveries of it that were."""
        for name in (recall.referral,) if recall.recalls is None else recall.recalls:
            self._write(f"{RECALL} {name}")

    def __contains__(self, delivery: str) -> bool:
        return self._holds(delivery)

    def is_recalled(self, delivery: Delivery) -> bool:
        """Tell whether a delivery, which is no recall itself, was recalled."""
        names = (f"{RECALL} {delivery.referral}", f"{RECALL} {delivery.id}")
        return delivery.kind != RECALL and any(map(self._holds, names))

    def close(self) -> None:
        """Close the file; what is in it stays."""
        self._database.close()

    def _holds(self, name: str) -> bool:
        query = "select 1 from replaced where name = ?"
        with closing(self._database.execute(query, (name,))) as found:
            return found.fetchone() is not None

    def _write(self, name: str) -> None:
        now = time.time()
        self._database.execute("delete from replaced where at < ?", (now - KEPT_SECONDS,))
        self._database.execute("insert or replace into replaced values (?, ?)", (name, now))
