"""A Linux network namespace with two wires to this machine, of which one can be cut.

Made with iproute2, as root. One wire is for whoever calls the processes there; the other leads to
the servers, and drops every packet one way, the other way or both when it is cut.
"""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
from contextlib import suppress
from typing import Literal, Self

from tests.acceptance.stack import Network

Way = Literal["out", "in"]
_DROP = ("root", "tbf", "rate", "8bit", "burst", "10b", "limit", "10b")
"""A queue that holds no packet: it is in every kernel, other than the one that loses packets."""


def can_be_made() -> bool:
    """Tell whether this account may make namespaces."""
    return os.geteuid() == 0 and all(map(shutil.which, ("ip", "tc")))


class Namespace:
    """A network of its own; its addresses are of the ranges for documents (RFC 5737)."""

    here = "198.51.100.1"
    """Where the servers are reached from there."""

    def __init__(self) -> None:
        self._name = f"rb{secrets.token_hex(4)}"
        self.network = Network("203.0.113.2", ("ip", "netns", "exec", self._name))

    def __enter__(self) -> Self:
        _run("ip", "netns", "add", self._name)
        try:
            self._there("ip", "link", "set", "lo", "up")
            self._wire("s", self.here, "198.51.100.2")
            self._wire("c", "203.0.113.1", self.network.host)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        # The namespace itself lasts as long as the last process in it.
        for end in ("s", "c"):
            with suppress(subprocess.CalledProcessError):
                _run("ip", "link", "delete", f"{self._name}{end}")
        with suppress(subprocess.CalledProcessError):
            _run("ip", "netns", "delete", self._name)

    def cut(self, *ways: Way) -> None:
        """Drop what goes ``out`` of the namespace to the servers, what comes ``in``, or both."""
        if "out" in ways:
            self._there("tc", "qdisc", "add", "dev", "s", *_DROP)
        if "in" in ways:
            _run("tc", "qdisc", "add", "dev", f"{self._name}s", *_DROP)

    def mend(self) -> None:
        """Drop nothing any more."""
        with suppress(subprocess.CalledProcessError):
            self._there("tc", "qdisc", "delete", "dev", "s", "root")
        with suppress(subprocess.CalledProcessError):
            _run("tc", "qdisc", "delete", "dev", f"{self._name}s", "root")

    def _wire(self, name: str, here: str, there: str) -> None:
        end = f"{self._name}{name}"
        _run("ip", "link", "add", end, "type", "veth", "peer", "name", name, "netns", self._name)
        _run("ip", "address", "add", f"{here}/30", "dev", end)
        _run("ip", "link", "set", end, "up")
        self._there("ip", "address", "add", f"{there}/30", "dev", name)
        self._there("ip", "link", "set", name, "up")

    def _there(self, *command: str) -> None:
        _run(*self.network.command, *command)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=20)
