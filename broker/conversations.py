"""A limit on a whole conversation with a server, for libraries that limit each wait alone.

A server that sends one byte within each wait holds such a library for ever. A socket that was given
to ``bound`` ends its waits when the conversation of its thread is over.
"""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

_present = threading.local()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let what this thread reads from bound sockets take so many seconds in all.

    A read beyond them raises TimeoutError. Within another conversation the earlier end counts.
    """
    before = getattr(_present, "until", None)
    until = monotonic() + seconds
    _present.until = until if before is None else min(before, until)
    try:
        yield
    finally:
        _present.until = before


def bound(sock: socket.socket) -> None:
    """Have a socket, encrypted or not, obey the conversation of the thread that reads from it."""
    # Another class rather than another object: the library holds this one, and its settings stay.
    if isinstance(sock, ssl.SSLSocket):
        sock.__class__ = _BoundTlsSocket
    else:
        sock.__class__ = _BoundSocket


@contextmanager
def _time_left(sock: socket.socket) -> Iterator[None]:
    """Shorten one wait to what is left of the conversation."""
    until = getattr(_present, "until", None)
    if until is None:
        yield
        return
    left, usual = until - monotonic(), sock.gettimeout()
    if left <= 0:
        raise TimeoutError("timed out")
    if usual is not None and usual <= left:
        yield
        return
    sock.settimeout(left)
    try:
        yield
    finally:
        if sock.fileno() >= 0:
            sock.settimeout(usual)


class _BoundSocket(socket.socket):
    __slots__ = ()

    def recv(self, *arguments: Any) -> bytes:
        with _time_left(self):
            return super().recv(*arguments)

    def recv_into(self, *arguments: Any) -> int:
        with _time_left(self):
            return super().recv_into(*arguments)


class _BoundTlsSocket(ssl.SSLSocket):
    def read(self, *arguments: Any) -> Any:  # what every other way of reading calls
        with _time_left(self):
            return super().read(*arguments)
