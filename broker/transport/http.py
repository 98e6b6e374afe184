"""The one outgoing POST: signed, bounded in time and size, and never into the operator's network.

The signature follows the Standard Webhooks specification: ``Webhook-Id``, ``Webhook-Timestamp``
and ``Webhook-Signature``, which is ``v1,`` and the base64 of HMAC-SHA256 over
``id.timestamp.body``. The receiver refuses old timestamps and ids that it has seen.

A host name is resolved once, every address is checked, and the connection is opened to a checked
address. A name server that changes its answer between check and connection gains nothing.
Redirects are not followed and proxy settings of the environment are not used.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import socket
import ssl
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

import anyio
import anyio.to_thread
import httpcore2

from broker.domain.ids import Clock

MOST_ADDRESSES = 4
"""Addresses of one host that are tried, within the time limit of the connection."""
_PORTS = {"https": 443, "http": 80}
_LOCAL_NAT64 = ipaddress.IPv6Network("64:ff9b:1::/48")
_IPV4_COMPATIBLE = ipaddress.IPv6Network("::/96")
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Limits:
    """The most that one POST may take."""

    connect_seconds: float = 5.0
    """To resolve the name and open the connection, TLS included."""
    answer_seconds: float = 8.0
    """For each wait for a piece of the answer."""
    total_seconds: float = 12.0
    """For everything together, however slowly the server sends its pieces."""
    answer_bytes: int = 64 * 1024
    """Of the answer's body; the header lines have a bound of their own (100 KiB)."""


@dataclass(frozen=True, slots=True)
class Answered:
    """The server answered; header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Forbidden:
    """Nothing was sent, and nothing will be until the address changes; ``code`` says why.

    ``not_encrypted``, ``bad_address`` or ``private_address``.
    """

    code: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """No whole answer came: the server may have the body or not. ``code`` says why.

    ``unavailable``, ``timed_out`` or ``answer_too_large``.
    """

    code: str


PostResult = Answered | Forbidden | Unanswered


class SafePost:
    """Posts JSON to addresses that others have chosen. May be used from any thread.

    ``key`` is shared with the receivers; without one nothing is signed. ``allow_private``
    permits private addresses and plain HTTP, for a broker and receivers within one network.
    """

    def __init__(
        self,
        key: bytes | None,
        *,
        clock: Clock,
        allow_private: bool = False,
        limits: Limits | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._key = key
        self._clock = clock
        self._allow_private = allow_private
        self._limits = limits or Limits()
        self._trust = trust or ssl.create_default_context()

    def post(
        self, url: str, *, id_: str, body: bytes, authorization: str | None = None
    ) -> PostResult:
        """Post a body once, under an id that is the same however often it is sent.

        ``authorization`` is the header of that name, for a server that the operator chose.
        Never raises for what the address or the server does.
        """
        target = self._target(url)
        if isinstance(target, Forbidden):
            return target
        # A thread of its own, because the caller's may have an event loop that runs already.
        with ThreadPoolExecutor(1, "outgoing post") as thread:
            headers = self._headers(id_, body)
            if authorization is not None:
                headers.append(("Authorization", authorization))
            answer = self._within_limits(target, headers, body)
            return thread.submit(asyncio.run, answer).result()

    def _target(self, url: str) -> httpcore2.URL | Forbidden:
        """Return the address in its parts, the query included."""
        parts = _split(url)
        if parts is None or parts.scheme not in _PORTS:
            return Forbidden("bad_address")
        if parts.scheme != "https" and not self._allow_private:
            return Forbidden("not_encrypted")
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        port = parts.port or _PORTS[parts.scheme]
        return httpcore2.URL(
            scheme=parts.scheme, host=parts.hostname or "", port=port, target=target
        )

    def _headers(self, id_: str, body: bytes) -> list[tuple[str, str]]:
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(body))),
            ("User-Agent", "referral-broker"),
            ("Connection", "close"),
        ]
        if self._key is None:
            return headers
        at = str(int(self._clock().timestamp()))
        return [
            *headers,
            ("Webhook-Id", id_),
            ("Webhook-Timestamp", at),
            ("Webhook-Signature", signature(self._key, id_, at, body)),
        ]

    async def _within_limits(
        self, target: httpcore2.URL, headers: list[tuple[str, str]], body: bytes
    ) -> PostResult:
        try:
            async with asyncio.timeout(self._limits.total_seconds):
                return await self._exchange(target, headers, body)
        except PrivateAddress:
            return Forbidden("private_address")
        except (TimeoutError, httpcore2.TimeoutException):
            return Unanswered("timed_out")
        except UnicodeError:  # a name that no name server can have, such as one with an empty part
            return Forbidden("bad_address")
        except (OSError, httpcore2.NetworkError, httpcore2.ProtocolError):
            return Unanswered("unavailable")

    async def _exchange(
        self, target: httpcore2.URL, headers: list[tuple[str, str]], body: bytes
    ) -> PostResult:
        limits, backend = self._limits, _CheckedBackend(allow_private=self._allow_private)
        waits = {
            "connect": limits.connect_seconds,
            "read": limits.answer_seconds,
            "write": limits.answer_seconds,
        }
        headers = [("Host", _host_header(target)), *headers]
        async with (
            httpcore2.AsyncConnectionPool(ssl_context=self._trust, network_backend=backend) as pool,
            pool.stream(
                "POST", target, headers=headers, content=body, extensions={"timeout": waits}
            ) as response,
        ):
            content = b""
            async for piece in response.aiter_stream():
                content += piece
                if len(content) > limits.answer_bytes:
                    return Unanswered("answer_too_large")
        names = {name.decode("latin-1").lower(): value for name, value in response.headers}
        texts = {name: value.decode("latin-1") for name, value in names.items()}
        return Answered(response.status, texts, content)


class PrivateAddress(Exception):
    """A host has no address that is open to everybody."""


class _CheckedBackend(httpcore2.AsyncNetworkBackend):
    """Opens connections to addresses that were checked, and to no other."""

    def __init__(self, *, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._opener = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Resolve the host, and connect to the first of its permitted addresses that answers."""
        with anyio.fail_after(timeout):
            addresses = await self._addresses(host, port)
            failure: Exception | None = None
            for address in addresses:
                try:
                    return await self._opener.connect_tcp(
                        address, port, timeout, local_address, socket_options
                    )
                except httpcore2.ConnectError as error:
                    failure = error
        raise failure or httpcore2.ConnectError("The host has no address.")

    async def _addresses(self, host: str, port: int) -> list[str]:
        # Abandoned when the time is up: the system's resolver knows no limit of ours.
        entries = await anyio.to_thread.run_sync(_resolve, host, port, abandon_on_cancel=True)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in entries))
        if self._allow_private:
            return addresses[:MOST_ADDRESSES]
        public = [address for address in addresses if is_public(address)]
        if addresses and not public:
            raise PrivateAddress
        return public[:MOST_ADDRESSES]


def is_public(address: str) -> bool:
    """Tell whether an IP address belongs to the public Internet, and to one host there.

    An IPv6 address that stands for an IPv4 one (mapped, NAT64 of RFC 6052, 6to4 of RFC 3056) is
    judged by that one, because a router of the network would carry the packet there.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _IPV4_COMPATIBLE or ip in _LOCAL_NAT64 or ip.is_site_local:
            return False
        embedded = _embedded(ip)
        if embedded is not None:
            ip = embedded
    return ip.is_global and not ip.is_multicast


def signature(key: bytes, id_: str, at: str, body: bytes) -> str:
    """Return the signature of a body, as its receiver checks it; ``at`` is in Unix seconds."""
    signed = f"{id_}.{at}.".encode() + body
    return f"v1,{base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()}"


def _embedded(ip: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    if ip in _NAT64:
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip.ipv4_mapped or ip.sixtofour


def _split(url: str) -> SplitResult | None:
    """Return the parts of an address that can be used: no user, no blank, no control character."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return None
    try:
        parts = urlsplit(url)
        usable = bool(parts.hostname) and parts.port != 0 and parts.username is None
    except ValueError:
        return None
    return parts if usable else None


def _host_header(target: httpcore2.URL) -> str:
    host, scheme = target.host.decode(), target.scheme.decode()
    name = f"[{host}]" if ":" in host else host
    return name if target.port == _PORTS[scheme] else f"{name}:{target.port}"


def _resolve(host: str, port: int) -> list[Any]:
    return socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
