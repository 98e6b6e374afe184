"""How an administrator's command finds the ledger: by ``BROKER_DATABASE_URL`` alone."""

from __future__ import annotations

import os
from pathlib import Path

from broker.cli.exits import USAGE, Failure

NAME = "BROKER_DATABASE_URL"


def database_url() -> str:
    """Return the connection string from the environment, or from the file that it names."""
    file = os.environ.get(f"{NAME}_FILE")
    url = Path(file).read_text().strip() if file else os.environ.get(NAME, "")
    if not url:
        raise Failure(
            "this command needs the ledger, and nothing says where it is.",
            next_step=f"set {NAME}, or {NAME}_FILE to a file that holds it",
            code=USAGE,
        )
    return url
