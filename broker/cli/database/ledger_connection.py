"""The ledger that a command opens: the one in ``BROKER_DATABASE_URL``."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from broker.cli.exit_codes import USAGE, Failure
from broker.engine_addresses import Use, unfit
from broker.ledger.ledger import Ledger
from broker.ledger.roles import Roles

NAME = "BROKER_DATABASE_URL"
ROLES = ("BROKER_APPLICATION_ROLE", "BROKER_READER_ROLE")


def database_url() -> str:
    """Return the connection string from the environment, or from the file that it names."""
    file = os.environ.get(f"{NAME}_FILE")
    url = _url_in(Path(file)) if file else os.environ.get(NAME, "")
    if not url:
        raise Failure(
            "this command needs the ledger, and its address is not set.",
            next_step=f"set {NAME}, or {NAME}_FILE to a file that holds it",
            code=USAGE,
        )
    if reason := unfit(url, Use.LEDGER):
        raise Failure(reason, next_step=f"correct {NAME}", code=USAGE)
    return url


def _url_in(file: Path) -> str:
    try:
        return file.read_text().strip()
    except (OSError, UnicodeDecodeError):
        raise Failure(
            f"{file} cannot be read.",
            next_step=f"set {NAME}_FILE to a file that holds {NAME}",
            code=USAGE,
        ) from None


def roles_of_site() -> Roles:
    """Return the roles that the environment names, or else those of the usual names."""
    application, reader = (os.environ.get(name) for name in ROLES)
    usual = Roles()
    return Roles(
        application or usual.application,
        reader or usual.reader,
        frozenset(filter(None, (application, reader))),
    )


@contextmanager
def open_ledger() -> Iterator[Ledger]:
    """Open the ledger for a command. Raises Unavailable, and LedgerRefused if it does not fit."""
    # The error says once that it cannot be reached; the pool would say so at each attempt.
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    with Ledger.open(database_url(), application_name="broker cli", max_size=2) as ledger:
        ledger.schema.check()
        yield ledger
