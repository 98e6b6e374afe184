"""The HTTP server's protocol with bounds below the application: bytes, times and connections.

uvicorn with httptools bounds none of them, and gathers a header with ``bytes +=`` however long it
grows. A caller that breaks a bound is answered with a problem document where it can still read one.
"""

from __future__ import annotations

from asyncio import BaseTransport, TimerHandle, Transport
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from http import HTTPStatus
from typing import Any, cast
from uuid import uuid4

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from broker import time_limits
from broker.errors import BrokerError, HeadTooLarge, Malformed, Throttled
from broker.gateway import bounds, problems
from broker.gateway.connections import Connections

SLICE = 16 * 1024
"""Bytes that are parsed at once, so that a bound is looked at in between."""


class _Closing:
    """A transport that the protocol closes, in its own way; everything else is the transport's."""

    __slots__ = (
        "close",
        "get_extra_info",
        "is_closing",
        "pause_reading",
        "resume_reading",
        "write",
    )

    def __init__(
        self, transport: Transport, close: Callable[[], None], is_closing: Callable[[], bool]
    ) -> None:
        self.close, self.is_closing = close, is_closing
        self.write = transport.write
        self.get_extra_info = transport.get_extra_info
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading


class BoundedProtocol(HttpToolsProtocol):
    """One connection of a caller."""

    def __init__(self, *, open_connections: Connections, **options: Any) -> None:
        super().__init__(**options)
        self._open = open_connections
        self._in_head = True
        self._bytes = 0
        """So many have come of the present head, or of the present body with its framing."""
        self._content = 0
        """So many of them are content of the body."""
        self._keep_alive = True
        self._is_refused = False
        self._ends = False
        """Whether what still comes is dropped."""
        self._timer: TimerHandle | None = None
        self._write_timer: TimerHandle | None = None
        self._unwritten = 0
        self._fault: BrokerError | None = None
        self._own: Transport

    # The connection

    def connection_made(self, transport: BaseTransport) -> None:
        self._own = cast("Transport", transport)
        super().connection_made(
            cast("Transport", _Closing(self._own, self._close, self._is_closing))
        )
        self._is_refused = not self._open.admit(self, self.client[0] if self.client else "")
        if self._is_refused:
            self._open.refuse(self)
        self._set_timer(time_limits.HEAD, self._is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._set_timer(0)
        self._set_write_timer(0)
        self._open.remove(self)
        super().connection_lost(exc)

    def give_way(self) -> None:
        """Close at once, for another connection or for good."""
        self._ends = True
        if self._own.get_write_buffer_size():
            self._own.abort()
        else:
            self._own.close()

    def shutdown(self) -> None:
        self._keep_alive = False
        super().shutdown()

    # What comes

    def data_received(self, data: bytes) -> None:
        if self._ends:
            self._drop()
        elif self._is_refused:
            self._open.count("refused")
            self._refuse(Throttled("Too many connections.", retry_after=timedelta(seconds=1)))
        elif len(data) <= SLICE:
            self._feed(data)
        else:
            for start in range(0, len(data), SLICE):
                if self._is_closing():
                    return
                self._feed(data[start : start + SLICE])

    def _feed(self, data: bytes) -> None:
        self._bytes += len(data)
        super().data_received(data)
        if self._is_closing():
            return
        if self._in_head:
            if self._bytes > bounds.HEAD_BYTES:
                self._open.count("head-too-large")
                self._refuse(HeadTooLarge(f"The headers are over {bounds.HEAD_BYTES} bytes."))
            elif self._bytes and not self._timer:
                self._set_timer(time_limits.HEAD, self._is_late)
        elif self._bytes - self._content > bounds.FRAMING_BYTES + self._content // 2:
            self._open.count("framing")
            self._refuse(Malformed("The body has more framing than content."))
        elif not self._timer:
            self._set_timer(time_limits.BODY_UNREAD, self._is_late)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._bytes = self._bytes or 1

    def on_headers_complete(self) -> None:
        self._check_head()
        super().on_headers_complete()
        self._in_head = False
        self._bytes = self._content = 0
        self._set_timer(0)
        self._open.is_used(self)
        # An answer that is given before the whole body has come ends the connection.
        self._keep_alive, self.cycle.keep_alive = self.cycle.keep_alive, False

    def _check_head(self) -> None:
        """Have the parser stop at a head that is too large."""
        is_large = self._bytes > bounds.HEAD_BYTES and self._head_bytes() > bounds.HEAD_BYTES
        if is_large or len(self.headers) > bounds.HEADERS:
            self._fault = HeadTooLarge(
                f"The headers are over {bounds.HEAD_BYTES} bytes, or over {bounds.HEADERS}."
            )
            raise self._fault
        if len(self.pipeline) >= bounds.PIPELINED:
            raise Malformed("Too many requests were sent before the answer to the first.")

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def on_body(self, body: bytes) -> None:
        self._content += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._in_head = True
        self._bytes = 0
        self._set_timer(0)
        if not self.cycle.response_started:
            self.cycle.keep_alive = self._keep_alive

    # What goes

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.timeout_keep_alive_task is not None:
            self._open.is_idle(self)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._watch_writing()

    def resume_writing(self) -> None:
        super().resume_writing()
        self._set_write_timer(0)

    def send_400_response(self, msg: str) -> None:
        self._refuse(self._fault or Malformed("We cannot read the request."))

    def _refuse(self, error: BrokerError) -> None:
        """Answer with a problem document and end; an answer that has begun is only cut off."""
        if self.cycle and self.cycle.response_started and not self.cycle.response_complete:
            self.give_way()
            return
        body = orjson.dumps(problems.problem(error, f"urn:uuid:{uuid4()}"))
        status = HTTPStatus(problems.meaning(error).status)
        headers = {
            "Content-Type": problems.MEDIA_TYPE,
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
            "Connection": "close",
            **problems.headers_of(error),
        }
        lines = [f"HTTP/1.1 {status.value} {status.phrase}", *map(": ".join, headers.items())]
        self._own.write("\r\n".join([*lines, "", ""]).encode("ascii") + body)
        self._close()

    # The end

    def _close(self) -> None:
        """Close, but not before a caller that still sends could read its answer."""
        if self._ends:
            return
        self._ends = True
        is_reading = self._is_refused or not self._in_head or self._bytes > 0
        if self.cycle and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if not is_reading or not self._own.can_write_eof():
            self._own.close()
            self._watch_writing()
            return
        self._open.is_silent(self)
        self._bytes = 0
        with suppress(OSError, RuntimeError):
            self._own.write_eof()
        self.flow.resume_reading()
        self._set_timer(time_limits.LINGER, self._own.abort)

    def _drop(self) -> None:
        """Have what a caller still sends come slowly, so that it costs little."""
        if not self._own.is_closing():
            self._own.pause_reading()
            self.loop.call_later(bounds.LINGERING_SECONDS, self._read_on)

    def _read_on(self) -> None:
        if not self._own.is_closing():
            self._own.resume_reading()

    def _is_late(self) -> None:
        self._timer = None
        if self._bytes == 0 and self._in_head:  # it may be a connection that is held ready
            self._open.count("silent")
            self.give_way()
            return
        self._open.count("too-slow")
        self._refuse(problems.TooSlow("The request did not arrive in time."))

    def _is_closing(self) -> bool:
        return self._ends or self._own.is_closing()

    def _watch_writing(self) -> None:
        """Look from now on whether the caller takes what is written to it."""
        if self._write_timer is None:
            self._look_at_writing()

    def _look_at_writing(self) -> None:
        left = self._own.get_write_buffer_size()
        if self._write_timer is not None and left >= self._unwritten:
            self._open.count("takes-nothing")
            self._own.abort()
            return
        self._unwritten = left
        self._set_write_timer(time_limits.TAKING, self._look_at_writing if left else None)

    def _set_timer(self, seconds: float, late: Callable[[], object] | None = None) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self.loop.call_later(seconds, late) if late else None

    def _set_write_timer(self, seconds: float, late: Callable[[], object] | None = None) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
        self._write_timer = self.loop.call_later(seconds, late) if late else None
