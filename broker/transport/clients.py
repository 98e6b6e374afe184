"""How each client is opened from an address, Valkeys under Sentinel included.

redis-py and Kombu have forms of address of their own for them; the broker has one
(``broker.engine_addresses``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from kombu import Connection
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel

from broker.engine_addresses import SentinelAddress, is_sentinel
from broker.transport import bound_connections, tolerant_redis
from broker.transport.bound_connections import sentinel_connection, valkey_connection


def valkey(url: str, **options: Any) -> Redis:
    """Return a client of the Valkey at an address; with sentinels, of the present master."""
    if not is_sentinel(url):
        return Redis.from_url(url, connection_class=valkey_connection(url), **options)
    address = SentinelAddress.parse(url)
    master: Redis = _sentinel(address, options).master_for(
        address.group,
        db=address.database,
        username=address.user or None,
        password=address.password or None,
        connection_class=sentinel_connection(url),
        **options,
        **_encryption(address),
    )
    return master


def every_valkey(url: str, **options: Any) -> list[Redis]:
    """Return a client of each Valkey at an address: with sentinels the master comes first.

    Raises redis.exceptions.ConnectionError when no sentinel answers.
    """
    first = valkey(url, **options)
    if not is_sentinel(url):
        return [first]
    address = SentinelAddress.parse(url)
    replicas = _sentinel(address, options).discover_slaves(address.group)
    return [first, *(_replica(address, host, int(port), options) for host, port in replicas)]


def kombu_connection(url: str, options: Mapping[str, Any]) -> Connection:
    """Return a connection of Kombu, closed as yet, with its transport's options."""
    bound_connections.register()
    tolerant_redis.register()
    broker_url, more, encryption = kombu_address(url)
    if encryption:
        return Connection(broker_url, transport_options={**options, **more}, ssl=encryption)
    return Connection(broker_url, transport_options={**options, **more})


def kombu_address(url: str) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return an address as Kombu and Celery want it, its transport's options, and those of TLS."""
    if not is_sentinel(url):
        return url, {}, {}
    address = SentinelAddress.parse(url)
    user = f"{quote(address.user, safe='')}:{quote(address.password, safe='')}@"
    user = user if address.user or address.password else ""
    listed = (f"sentinel://{user}{host}:{port}/{address.database}" for host, port in address.hosts)
    more = {"master_name": address.group, "sentinel_kwargs": _to_sentinels(address, _TIMES)}
    encryption = _encryption(address)
    encryption.pop("ssl", None)
    return ";".join(listed), more, encryption


_TIMES = {"socket_timeout": 2.0, "socket_connect_timeout": 2.0}
"""For a sentinel; there are others when one does not answer."""


def _sentinel(address: SentinelAddress, options: Mapping[str, Any]) -> Any:
    times = {name: options[name] for name in _TIMES if name in options}
    return Sentinel(  # type: ignore[no-untyped-call]
        list(address.hosts), sentinel_kwargs=_to_sentinels(address, times)
    )


def _to_sentinels(address: SentinelAddress, times: Mapping[str, Any]) -> dict[str, Any]:
    names = {"sentinel_username": "username", "sentinel_password": "password"}
    login = {names[name]: value for name, value in address.options.items() if name in names}
    # No second try at a server that is unavailable: others are asked next, and a caller waits.
    return {"retry": Retry(NoBackoff(), 0), **times, **login, **_encryption(address)}


def _encryption(address: SentinelAddress) -> dict[str, Any]:
    if not address.is_encrypted:
        return {}
    authorities = address.options.get("ssl_ca_certs")
    return {"ssl": True, "ssl_cert_reqs": "required"} | (
        {"ssl_ca_certs": authorities} if authorities else {}
    )


def _replica(address: SentinelAddress, host: str, port: int, options: Mapping[str, Any]) -> Redis:
    return Redis(
        host=host,
        port=port,
        db=address.database,
        username=address.user or None,
        password=address.password or None,
        **options,
        **_encryption(address),
    )
