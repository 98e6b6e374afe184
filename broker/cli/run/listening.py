"""Take the port that a gateway listens on."""

from __future__ import annotations

import socket

from broker.cli.exit_codes import Failure


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Raises ``Failure`` if it is taken."""
    taken = take(host, port)
    taken.listen()
    return taken


def take(host: str, port: int) -> socket.socket:
    """Return a socket that has the port and refuses who connects, until it listens.

    A gateway that starts would keep callers waiting otherwise. Raises ``Failure`` if it is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    taken = socket.socket(family)
    try:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            taken.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        taken.bind((host, port))
    except OSError as error:
        taken.close()
        raise Failure(
            f"cannot listen on {host}, port {port}: {error.strerror}.",
            next_step="choose another port with --port, or end what listens there",
        ) from None
    return taken
