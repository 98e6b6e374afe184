"""What the broker says about itself: one JSON object a line, with allowed names only.

A log line never holds content: a field whose name is not in ``ALLOWED`` is dropped and counted,
and an exception is told by its class alone, since its text may repeat what somebody sent. What
libraries say is told by its place alone, for the same reason.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from logging import INFO
from time import perf_counter
from typing import Any, TextIO, TypeVar, cast

import orjson
import structlog
from structlog.typing import FilteringBoundLogger

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
        "place",
        "duplicates",
        "deliveries",
        "recorded",
        "opened",
        "ended",
        "sent",
        "notice",
        "referrals",
        "steps",
        "lapsed",
        "released",
        "replayed",
    }
)
"""Ids, codes, counts and times. Add a name here only if its values can never be content."""

Logger = FilteringBoundLogger
T = TypeVar("T")


class _StandardError:
    """Standard error as it is now: whoever takes it over later, gets the lines."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


class _Libraries(logging.Handler):
    """Tells of what libraries log by its level, its place and its exception's class.

    Their texts hold whatever they stumbled over, and nobody can tell from outside which do.
    """

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0] if record.exc_info else None
        told = _log.error if record.levelno >= logging.ERROR else _log.warning
        told(
            "library",
            place=f"{record.name}:{record.funcName}:{record.lineno}",
            **({"error": kind.__name__} if kind else {}),
        )


def configure(level: str, *, kept: bool = True) -> None:
    """Write lines of at least this level to standard error.

    ``kept``: for the life of the process, which is quick; otherwise it may be said anew.
    """
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _stamped,
            allow,
            structlog.processors.JSONRenderer(serializer=_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, _StandardError())),
        cache_logger_on_first_use=kept,
    )


def take_over() -> None:
    """Have everything else that this process says told as lines too, without its texts.

    That is what libraries log from warnings on, and exceptions that nobody caught.
    """
    libraries = _Libraries()
    logging.basicConfig(level=logging.WARNING, handlers=[libraries], force=True)
    logging.lastResort = libraries
    for one in logging.Logger.manager.loggerDict.values():
        if isinstance(one, logging.Logger):
            one.handlers.clear()  # billiard gives its own to each process of a worker
            one.propagate = True
    logging.captureWarnings(True)
    sys.excepthook = lambda kind, _, __: _uncaught(kind)
    sys.unraisablehook = lambda one: _uncaught(one.exc_type)
    threading.excepthook = lambda one: _uncaught(one.exc_type)


def _uncaught(kind: type[BaseException]) -> None:
    _log.error("uncaught", error=kind.__name__)


def _json(fields: Mapping[str, Any], **_: Any) -> str:
    """Write a line; ids and codes as their text."""
    return orjson.dumps(fields, default=str, option=orjson.OPT_UTC_Z).decode()


def _stamped(_: Any, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Say when; the instant becomes text with the line, in half the time that structlog takes."""
    fields["at"] = datetime.now(UTC)
    return fields


def logger(part: str) -> Logger:
    """Return the logger of one part of the broker."""
    return cast("Logger", structlog.get_logger(part=part))


def error_fields(error: BaseException) -> Mapping[str, str]:
    """Return what may be said about an exception: its class, and its code when it has one."""
    told = {"error": type(error).__name__}
    if code := getattr(error, "code", None):
        told["code"] = str(code)
    return told


def info_enabled(log: Logger) -> bool:
    """Tell whether steps are logged: whatever a line needs is counted for it alone."""
    return log.is_enabled_for(INFO)


def monotonic_seconds() -> float:
    """Return a reading of the process's timer, in seconds; it never runs backwards."""
    return perf_counter()


def elapsed(began: float) -> float:
    """Return the seconds since a reading of ``monotonic_seconds``, to a tenth of a millisecond."""
    return round(perf_counter() - began, 4)


def single_id(name: str, items: Sequence[T], id_of: Callable[[T], object]) -> Mapping[str, object]:
    """Return the id of a batch of one under its name; a larger batch is described by its count."""
    return {name: id_of(items[0])} if len(items) == 1 else {}


def allow(_: Any, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Drop each field whose name is not allowed, and say how many were dropped."""
    if fields.keys() <= ALLOWED:
        return fields
    kept = {name: value for name, value in fields.items() if name in ALLOWED}
    return {**kept, "dropped": len(fields) - len(kept)}


_log = logger("process")
# Until somebody says otherwise: a command that answers people tells them of troubles only.
configure("warning", kept=False)
