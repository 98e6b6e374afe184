"""The side log that a command adds to: the file in ``BROKER_SIDE_LOG``."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

from broker.cli.output import remark
from broker.side_log import Change, SideLog

NAME = "BROKER_SIDE_LOG"


def note(change: Change, *, at: datetime, **ids: object) -> None:
    """Add a change that is committed; say so where it cannot be written."""
    file = os.environ.get(NAME)
    if not SideLog(Path(file) if file else None).note(change, at=at, **ids):
        remark(f"warning: {NAME} cannot be written; a restore would undo this")
