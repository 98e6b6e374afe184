"""Which address may be used for what: the one place that says so, before anything is opened.

An address of Valkeys under Sentinel names the sentinels and the group that they watch::

    sentinel://user:password@host:26379,host2:26379/group-name/0?sentinel_password=…

User, password and the number of the database are those of the Valkeys. ``sentinels://`` encrypts,
to the sentinels and to the Valkeys.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

SENTINEL_PORT = 26379
SENTINELS = frozenset({"sentinel", "sentinels"})
VALKEYS = frozenset({"redis", "rediss"}) | SENTINELS
RABBITMQS = frozenset({"amqp", "amqps"})
POSTGRESQLS = frozenset({"postgresql", "postgres"})
SENTINEL_OPTIONS = frozenset({"sentinel_username", "sentinel_password", "ssl_ca_certs"})
SENTINEL_FORM = "sentinel://user:password@host:26379,host2:26379/group-name/0"
_CONNINFO = re.compile(r"\s*[a-z_]+\s*=")


class Use(StrEnum):
    """What a server is used for."""

    LEDGER = "the ledger"
    WAKEUPS = "wake-ups"
    EXCHANGE = "the agencies' queues"


_SCHEMES: Mapping[Use, frozenset[str]] = {
    Use.LEDGER: POSTGRESQLS,
    Use.WAKEUPS: VALKEYS,
    Use.EXCHANGE: VALKEYS | RABBITMQS,
}
_NEEDED: Mapping[Use, str] = {
    Use.LEDGER: "PostgreSQL: postgresql://…",
    Use.WAKEUPS: "a Valkey: redis://…, rediss://… or sentinel://…",
    Use.EXCHANGE: "a Valkey (redis://…, rediss://…, sentinel://…) or a RabbitMQ (amqp://…, amqps://…)",
}


@dataclass(frozen=True, slots=True)
class SentinelAddress:
    """Valkeys of which sentinels know the present master."""

    hosts: tuple[tuple[str, int], ...]
    """The sentinels."""
    group: str
    """What the sentinels call these Valkeys (their ``sentinel monitor``)."""
    user: str = ""
    password: str = field(default="", repr=False)
    database: int = 0
    is_encrypted: bool = False
    options: Mapping[str, str] = field(default_factory=dict, repr=False)
    """``sentinel_username``, ``sentinel_password`` and ``ssl_ca_certs``, as far as they are set."""

    @classmethod
    def parse(cls, url: str) -> SentinelAddress:
        """Read an address. Raises ValueError with what is wrong, which never holds a secret."""
        parts = urlsplit(url)
        user, _, hosts = parts.netloc.rpartition("@")
        name, _, password = user.partition(":")
        group, _, database = parts.path.strip("/").partition("/")
        options = dict(parse_qsl(parts.query))
        if not group:
            raise ValueError(f"Name the group that the sentinels watch: {SENTINEL_FORM}.")
        if database and not database.isdecimal():
            raise ValueError(f"The database of a Valkey is a number: {SENTINEL_FORM}.")
        if unknown := sorted(options.keys() - SENTINEL_OPTIONS):
            raise ValueError(f"Sentinels have no option {unknown[0]}.")
        return cls(
            hosts=tuple(_host(host) for host in hosts.split(",")),
            group=unquote(group),
            user=unquote(name),
            password=unquote(password),
            database=int(database or 0),
            is_encrypted=parts.scheme == "sentinels",
            options=options,
        )


def is_valkey(url: str) -> bool:
    """Tell whether an address is of one or more Valkeys (or Redis)."""
    return _scheme(url) in VALKEYS


def is_sentinel(url: str) -> bool:
    """Tell whether an address names sentinels."""
    return _scheme(url) in SENTINELS


def unfit(url: str, use: Use) -> str:
    """Return why an address cannot be used so; empty when it can. It never holds a secret."""
    if use is Use.LEDGER and _CONNINFO.match(url):
        return ""  # libpq's other form, `host=… dbname=…`
    scheme = _scheme(url)
    if scheme not in _SCHEMES[use]:
        shown = f"{scheme}://…" if scheme else "an address without a scheme"
        return f"For {use} use {_NEEDED[use]}; {shown} is something else."
    try:
        _check(url, use)
    except ValueError as error:
        return str(error)
    return ""


def _check(url: str, use: Use) -> None:
    """Raise ValueError with what is wrong about an address of a scheme that fits."""
    if is_sentinel(url):
        SentinelAddress.parse(url)
        return
    if use is Use.LEDGER:
        return  # several hosts, a socket's folder: libpq knows
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError(f"The address for {use} names no host.")
    _port(parts, use)
    database = parts.path.strip("/")
    if is_valkey(url) and database and not database.isdecimal():
        raise ValueError(
            f"The database of a Valkey is a number; the address for {use} has another."
        )


def _port(parts: SplitResult, use: Use) -> None:
    try:
        _ = parts.port
    except ValueError:
        raise ValueError(f"The port in the address for {use} is none.") from None


def _scheme(url: str) -> str:
    scheme, separator, _ = url.partition("://")
    return scheme.lower() if separator and scheme.isascii() and scheme.isprintable() else ""


def _host(text: str) -> tuple[str, int]:
    host, _, port = text.partition(":")
    if not host or (port and not (port.isdecimal() and 0 < int(port) < 65_536)):
        raise ValueError(f"Name every sentinel as host or host:port: {SENTINEL_FORM}.")
    return host, int(port or SENTINEL_PORT)
