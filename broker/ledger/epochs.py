"""Epochs of the ledger: a restore begins a new one, and keeps older referrals back for a while."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from psycopg import errors

from broker.domain.codes import EpochReason
from broker.domain.epoch import Epoch
from broker.domain.ids import OrganisationCode
from broker.ledger.database import Connection, Part, Row, rows

BROKER = "broker"
"""Who begins an epoch that the broker notices by itself."""
_SERVER = ("system_identifier", "timeline", "home")


@dataclass(frozen=True, slots=True)
class Feeds:
    """How the feeds stand."""

    in_quarantine: bool
    """Whether a restore waits to be confirmed."""
    unnumbered: int
    """How many events no feed shows yet; ids of transactions that were rolled back count for a
    second."""


class Epochs(Part):
    """The stretches of the ledger's life between two restores."""

    def epochs(self) -> list[Epoch]:
        """Return every epoch, the first one first."""
        with self._transaction() as connection:
            return _epochs(connection)

    def present(self) -> Epoch:
        """Return the present epoch."""
        return self.epochs()[-1]

    def notice(
        self, *, known: tuple[str, int] | None = None, now: datetime | None = None
    ) -> Epoch | None:
        """Begin an epoch if the ledger was restored or promoted; return it, or None.

        ``known``: an epoch and a number that was in its feeds for certain.
        """
        with self._transaction() as connection:
            begun = _notice(connection, known, now)
        return self.present() if begun else None

    def begin(
        self,
        *,
        by: str,
        restored_to: datetime | None = None,
        now: datetime | None = None,
    ) -> Epoch:
        """Begin the epoch of a restore, unless one is in quarantine already; return it.

        ``restored_to``: what was committed after it may be missing; else a minute before the last
        event.
        """
        with self._transaction() as connection:
            _notice(connection, None, now)
            _lock_feeds(connection)
            if not _epochs(connection)[-1].in_quarantine:
                _begin_epoch(connection, EpochReason.RESTORED, by, restored_to, now)
                _record_server(connection, _servers(connection))
        return self.present()

    def record_server(self) -> None:
        """Record that another server holds the ledger and nothing was lost: no epoch begins."""
        with self._transaction() as connection:
            _record_server(connection, _servers(connection))

    def confirm(self, *, by: str, now: datetime | None = None) -> bool:
        """End the quarantine; False if there is none."""
        return bool(self._rows("epochs/confirm", {"by": by, "now": now}))

    def feeds(self) -> Feeds:
        """Return how the feeds stand, for monitoring."""
        return Feeds(**self._planned("epochs/feeds", {})[0])

    def kept_back(self) -> Mapping[OrganisationCode, int]:
        """Return how many deliveries of each agency the quarantine keeps back."""
        return {row["agency"]: row["count"] for row in self._planned("epochs/kept_back", {})}


def notice_on(connection: Connection) -> None:
    """Begin an epoch if a new connection leads to a ledger that was restored or promoted."""
    try:
        with connection.transaction():
            _notice(connection, None, None)
    except (errors.UndefinedTable, errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction):
        return  # not migrated yet, or a server that tells nothing of itself
    except errors.ObjectNotInPrerequisiteState:
        return  # a standby


def _notice(connection: Connection, known: tuple[str, int] | None, now: datetime | None) -> bool:
    """Begin an epoch where the server is another one than recorded, or an event has gone."""
    server = _servers(connection)
    if _is_recorded(server) and _reason(server, known) is None:
        return False
    _lock_feeds(connection)
    server = _servers(connection)  # another process may have noticed it meanwhile
    reason = _reason(server, known)
    if reason:
        _begin_epoch(connection, reason, BROKER, None, now)
    _record_server(connection, server)
    return reason is not None


def _is_recorded(server: Row) -> bool:
    return server["recorded_identifier"] is not None


def _reason(server: Row, known: tuple[str, int] | None) -> EpochReason | None:
    """Return why an epoch begins; None while nothing has changed."""
    if _is_recorded(server):
        if (server["system_identifier"], server["home"]) != (
            server["recorded_identifier"],
            server["recorded_home"],
        ):
            return EpochReason.COPIED
        if server["timeline"] != server["recorded_timeline"]:
            return EpochReason.RESTORED if server["has_target"] else EpochReason.PROMOTED
    if known and known[0] == server["epoch"] and server["last_number"] < known[1]:
        return EpochReason.REWOUND
    return None


def _servers(connection: Connection) -> Row:
    return rows(connection, "epochs/servers", {})[0]


def _lock_feeds(connection: Connection) -> None:
    rows(connection, "epochs/lock_feeds", {})


def _begin_epoch(
    connection: Connection,
    reason: EpochReason,
    by: str,
    restored_to: datetime | None,
    now: datetime | None,
) -> None:
    params = {"reason": str(reason), "by": by, "restored_to": restored_to, "now": now}
    rows(connection, "epochs/begin_epoch", params)


def _record_server(connection: Connection, server: Row) -> None:
    rows(connection, "epochs/record_server", {name: server[name] for name in _SERVER})


def _epochs(connection: Connection) -> list[Epoch]:
    return [
        Epoch(**{**row, "reason": EpochReason(row["reason"])})
        for row in rows(connection, "epochs/epochs", {})
    ]
