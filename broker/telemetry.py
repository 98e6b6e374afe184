"""Log lines: one JSON object a line, with allowed field names only.

A log line never holds content. A field whose name is not in ``ALLOWED`` is dropped and counted. An
exception is logged by its class, because its text may repeat what somebody sent. A line of a
library is logged by its place in the source, for the same reason.

Logging never fails and never waits (``broker.log_writer``): what a line is about was done, whether
or not anybody can read the line.
"""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from logging import INFO
from pathlib import Path
from time import perf_counter
from typing import Any, TextIO, TypeVar, cast

import orjson
import structlog
from structlog.typing import FilteringBoundLogger

from broker.log_writer import LogWriter

ALLOWED = frozenset(
    {
        "event",
        "level",
        "at",
        "part",
        "lane",
        "count",
        "code",
        "cause",
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
        "tasks",
        "steps",
        "handed_over",
        "embargoes",
        "reopened",
        "lapsed",
        "released",
        "replayed",
        "test",
    }
)
"""Ids, codes, counts and times. Add a name here only if its values can never be content."""

Logger = FilteringBoundLogger
T = TypeVar("T")


class _StandardError:
    """The present standard error, also after something replaced ``sys.stderr``.

    For commands that people run: they write at once, and drop what cannot be written.
    """

    dropped = 0

    def write(self, text: str) -> int:
        try:
            return sys.stderr.write(text)
        except (OSError, ValueError, AttributeError):  # full, closed, or never there
            self.dropped += 1
            return 0

    def flush(self) -> None:
        with suppress(OSError, ValueError, AttributeError):
            sys.stderr.flush()


class _Output:
    """Where the lines of this process go."""

    writer: _StandardError | LogWriter = _StandardError()
    reported = 0
    """How many of the lines that this process dropped are recorded elsewhere."""


class _Libraries(logging.Handler):
    """Logs level, place and exception class of what libraries log, without their texts.

    Any of their texts may hold content.
    """

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0] if record.exc_info else None
        log = _log.error if record.levelno >= logging.ERROR else _log.warning
        log(
            "library",
            place=f"{record.name}:{record.funcName}:{record.lineno}",
            **({"error": kind.__name__} if kind else {}),
        )


def configure(level: str, *, is_final: bool = True) -> None:
    """Write lines of at least this level to standard error.

    ``is_final``: for the life of a gateway or worker, whose lines a thread writes, and which
    counts what is lost; otherwise it may be called again, and each line is written at once.
    """
    _output.writer = _final_writer() if is_final else _StandardError()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            _stamped,
            allow,
            structlog.processors.JSONRenderer(serializer=_json),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(cast(TextIO, _output.writer)),
        cache_logger_on_first_use=is_final,
    )


@cache
def _final_writer() -> LogWriter:
    """Return the one writer of this process, whose last lines are written before it ends."""
    writer = LogWriter(_standard_error(), _describe_dropped)
    atexit.register(writer.close)
    return writer


def _standard_error() -> int | None:
    """Return the descriptor of standard error; None where the process was started without one.

    The number is occupied then: a connection that is opened would get it, and be written to by
    whatever reports to standard error.
    """
    if sys.stderr is not None:
        with suppress(OSError, ValueError):
            return sys.stderr.fileno()
    sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for good
    return None


def _describe_dropped(lines: int) -> str:
    at = datetime.now(UTC)
    fields = {"event": "log lines dropped", "level": "warning", "part": "log", "count": lines}
    return f"{_json({**fields, 'at': at})}\n"


def dropped_lines() -> int:
    """Return how many log lines this process could not write."""
    return _output.writer.dropped


def report_dropped(record: Callable[[int], None]) -> None:
    """Record how many lines this process has dropped since the last time, if any.

    Raises what ``record`` raises; the same lines are recorded next time then.
    """
    lines = dropped_lines() - _output.reported
    if lines > 0:
        record(lines)
        _output.reported += lines


def flush(seconds: float = 1.0) -> None:
    """Wait until the lines of a gateway or worker are written, for so long at most."""
    if isinstance(_output.writer, LogWriter):
        _output.writer.close(seconds)


def rest() -> None:
    """Have no thread that writes lines until there is another line: do so before a fork."""
    if isinstance(_output.writer, LogWriter):
        _output.writer.rest()


def take_over() -> None:
    """Log as lines what else this process reports, without its texts.

    That is what libraries log at warning level or above, and uncaught exceptions.
    """
    libraries = _Libraries()
    logging.basicConfig(level=logging.WARNING, handlers=[libraries], force=True)
    logging.lastResort = libraries
    for library in logging.Logger.manager.loggerDict.values():
        if isinstance(library, logging.Logger):
            library.handlers.clear()  # billiard gives its own to each process of a worker
            library.propagate = True
    logging.captureWarnings(True)
    sys.excepthook = lambda kind, _, __: _uncaught(kind)
    sys.unraisablehook = lambda unraisable: _uncaught(unraisable.exc_type)
    threading.excepthook = lambda failed: _uncaught(failed.exc_type)


def _uncaught(kind: type[BaseException]) -> None:
    _log.error("uncaught", error=kind.__name__)


def _json(fields: Mapping[str, Any], **_: Any) -> str:
    """Return a line as JSON; ids and codes become text. A line that has no JSON is left out."""
    try:
        return orjson.dumps(fields, default=str, option=orjson.OPT_UTC_Z).decode()
    except TypeError:  # such as half of a surrogate pair
        return '{"event":"line without JSON","level":"error"}'


def _stamped(_: Any, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Add the instant. It is formatted with the line, which takes half of structlog's time."""
    fields["at"] = datetime.now(UTC)
    return fields


def logger(part: str) -> Logger:
    """Return the logger of a part of the broker, such as a step."""
    return cast("Logger", structlog.get_logger(part=part))


def error_fields(error: BaseException) -> Mapping[str, str]:
    """Return the fields that describe an exception: its class, its code and cause if it has any."""
    fields = {"error": type(error).__name__}
    if code := getattr(error, "code", None):
        fields["code"] = str(code)
    if cause := getattr(error, "cause", None):
        fields["cause"] = str(cause)
    return fields


def info_enabled(log: Logger) -> bool:
    """Tell whether lines of level ``info`` are logged."""
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
    """Drop each field whose name is not allowed, and add how many were dropped."""
    if fields.keys() <= ALLOWED:
        return fields
    allowed = {name: value for name, value in fields.items() if name in ALLOWED}
    return {**allowed, "dropped": len(fields) - len(allowed)}


_log = logger("process")
_output = _Output()
# The default of commands that people run: warnings and errors only.
configure("warning", is_final=False)
