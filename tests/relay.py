"""A relay before a server, which falls silent or drips, on connections old and new.

TCP goes on confirming what is sent to it, as where a host has lost its power behind a firewall, or
a pooler hangs: only a limit of the client's own ends its wait.
"""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
import time
from pathlib import Path
from typing import Self
from urllib.parse import parse_qs, urlsplit

DRIP_SECONDS = 0.2
"""Between two bytes of a server that drips."""
_SWALLOWED = {"silent": "both", "deaf": "client", "mute": "server"}
"""Whose bytes are swallowed, by the manner of the relay."""


class Relay:
    """Listens on loopback, or elsewhere, and passes on to a socket: a path, or host and port."""

    def __init__(self, target: str | tuple[str, int], host: str = "127.0.0.1") -> None:
        self._target = target
        self._host = host
        self._listener = socket.create_server((host, 0))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._links: list[_Link] = []
        self._mode = "speak"
        self._closed = False

    @classmethod
    def before_postgresql(cls, dsn: str, host: str = "127.0.0.1") -> Self:
        """Return a relay before the PostgreSQL of a connection string over a Unix socket."""
        query = parse_qs(urlsplit(dsn).query)
        port = query.get("port", ["5432"])[0]
        return cls(str(Path(query["host"][0]) / f".s.PGSQL.{port}"), host)

    @classmethod
    def before(cls, url: str, host: str = "127.0.0.1") -> Self:
        """Return a relay before the server at a URL with host and port."""
        parts = urlsplit(url)
        return cls((parts.hostname or "127.0.0.1", parts.port or 0), host)

    def url(self, url: str) -> str:
        """Return the URL of that server that leads over this relay."""
        parts = urlsplit(url)
        user, at, _ = parts.netloc.rpartition("@")
        return parts._replace(netloc=f"{user}{at}{self._host}:{self.port}").geturl()

    def dsn(self, dsn: str) -> str:
        """Return the connection string that leads over this relay."""
        parts = urlsplit(dsn)
        user = f"{parts.username}@" if parts.username else ""
        named = parse_qs(parts.query).get("user")
        user = f"{named[0]}@" if named else user
        return f"postgresql://{user}{self._host}:{self.port}{parts.path}?sslmode=disable"

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        self._listener.close()
        for link in self._links:
            link.close()

    def silence(self) -> None:
        """Pass nothing on any more, on no connection; new ones are accepted."""
        self._set("silent")

    def silence_present(self) -> None:
        """Pass nothing on any more on the connections that there are; new ones work."""
        self.make_present("silent")

    def make_present(self, mode: str) -> None:
        """Change the connections that there are; new ones work.

        ``silent``: nothing is passed on; ``deaf``: the server hears nothing; ``mute``: its answers
        are lost; ``drip``: they come byte by byte.
        """
        with self._lock:
            for link in self._links:
                link.mode = mode

    def make_all(self, mode: str) -> None:
        """Change connections old and new, in the same manners."""
        self._set(mode)

    def drip(self) -> None:
        """Pass answers on byte by byte, with pauses."""
        self._set("drip")

    def speak(self) -> None:
        """Work again; a connection that has lost bytes never does, as with TCP itself."""
        self._set("speak")

    def _set(self, mode: str) -> None:
        with self._lock:
            self._mode = mode
            for link in self._links:
                link.mode = mode

    def _accept(self) -> None:
        while not self._closed:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                link = _Link(client, self._target, self._mode)
                self._links = [*(known for known in self._links if not known.closed), link]
            threading.Thread(target=link.run, daemon=True).start()


class _Link:
    """One connection and the one behind it."""

    def __init__(self, client: socket.socket, target: str | tuple[str, int], mode: str) -> None:
        self.mode = mode
        self.closed = False
        self._has_lost = False
        self._client = client
        family = socket.AF_UNIX if isinstance(target, str) else socket.AF_INET
        self._server = socket.socket(family)
        self._target = target

    def close(self) -> None:
        self.closed = True
        for end in (self._client, self._server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def run(self) -> None:
        with contextlib.suppress(OSError, ValueError), selectors.DefaultSelector() as ready:
            self._server.connect(self._target)
            ready.register(self._client, selectors.EVENT_READ, self._server)
            ready.register(self._server, selectors.EVENT_READ, self._client)
            while all(self._pass(key.fileobj, key.data) for key, _ in ready.select(1)):
                pass
        self.close()

    def _pass(self, source: socket.socket, target: socket.socket) -> bool:
        piece = source.recv(65536)
        if self._is_swallowed(source):
            return bool(piece)
        if self.mode == "drip" and source is self._server:
            for index in range(len(piece)):
                if self.mode != "drip":
                    target.sendall(piece[index:])
                    break
                target.sendall(piece[index : index + 1])
                time.sleep(DRIP_SECONDS)
        else:
            target.sendall(piece)
        return bool(piece)

    def _is_swallowed(self, source: socket.socket) -> bool:
        whose = "both" if self._has_lost else _SWALLOWED.get(self.mode)
        swallowed = whose in {"both", "server" if source is self._server else "client"}
        self._has_lost = self._has_lost or swallowed
        return swallowed
