"""The roles of PostgreSQL beside the ledger's owner; ``0038_roles`` says what each may do."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg import sql

from broker.errors import BrokerError

APPLICATION = "broker_application"
READER = "broker_reader"


class RoleMissing(BrokerError):
    """A role that was named is not on the server."""

    code = "role-missing"
    next_step = "create it as PostgreSQL's administrator: docs/operations.md, Roles"


@dataclass(frozen=True, slots=True)
class Roles:
    """Whom ``broker migrate`` grants rights; None: nobody."""

    application: str | None = APPLICATION
    """What gateways, workers and commands work as (BROKER_APPLICATION_ROLE)."""
    reader: str | None = READER
    """For a site's own figures: no content, secret or words (BROKER_READER_ROLE)."""

    named: frozenset[str] = frozenset()
    """Those that somebody has named, and that must exist therefore."""

    def existing(self, connection: psycopg.Connection[tuple[object, ...]]) -> Roles:
        """Return those of them that the server has. Raises RoleMissing."""
        rows = connection.execute(
            "select rolname from pg_roles where rolname in (%s, %s)",
            [self.application, self.reader],
        )
        names = {name for (name,) in rows}
        if missing := sorted(self.named - names):
            raise RoleMissing(f"PostgreSQL has no role {missing[0]}.")
        return Roles(
            self.application if self.application in names else None,
            self.reader if self.reader in names else None,
        )


def create(dsn: str, roles: Roles) -> None:
    """Create the roles that the server does not have, without a password, as its administrator."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        there = roles.existing(connection)
        for name in {roles.application, roles.reader} - {there.application, there.reader, None}:
            statement = sql.SQL("create role {} login").format(sql.Identifier(str(name)))
            connection.execute(statement)
