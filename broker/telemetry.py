"""What the broker says about itself: one JSON object a line, with allowed names only.

A log line never holds content: a field whose name is not in ``ALLOWED`` is dropped and counted,
and an exception is told by its class alone, since its text may repeat what somebody sent.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, TextIO, cast

import structlog

ALLOWED = frozenset(
    {
        "event",
        "level",
        "at",
        "part",
        "lane",
        "count",
        "code",
        "error",
        "path",
        "status",
        "method",
        "request_id",
        "seconds",
        "referral",
        "delivery",
        "agency",
        "publisher",
        "credential",
        "channel",
        "version",
        "host",
        "port",
    }
)
"""Ids, codes, counts and times. Add a name here only if its values can never be content."""

Logger = structlog.stdlib.BoundLogger


class _StandardError:
    """Standard error as it is now: whoever takes it over later, gets the lines."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def configure(level: str) -> None:
    """Write lines of at least this level to standard error."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            allow,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _StandardError())),
        cache_logger_on_first_use=True,
    )


def logger(part: str) -> Logger:
    """Return the logger of one part of the broker."""
    return cast("Logger", structlog.get_logger(part=part))


def trouble(error: BaseException) -> Mapping[str, str]:
    """Return what may be said about an exception: its class, and its code when it has one."""
    told = {"error": type(error).__name__}
    if code := getattr(error, "code", None):
        told["code"] = str(code)
    return told


def allow(_: Any, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop each field whose name is not allowed, and say how many were dropped."""
    kept = {name: value for name, value in fields.items() if name in ALLOWED}
    if dropped := len(fields) - len(kept):
        kept["dropped"] = dropped
    return kept
