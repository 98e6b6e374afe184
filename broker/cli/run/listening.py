"""Take the port that a gateway listens on."""

from __future__ import annotations

import socket

from broker.cli.exit_codes import Failure


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 takes a free one. Raises ``Failure`` if it is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = str(error.strerror).partition(" (while")[0]  # the address stands there already
        raise Failure(
            f"cannot listen on {host}, port {port}: {reason}.",
            next_step="choose another port with --port, or end what listens there",
        ) from None
