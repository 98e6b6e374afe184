"""What a Valkey does when its memory is full: it must refuse writes and evict nothing."""

from __future__ import annotations

from redis import RedisError

from broker.engine_addresses import is_valkey
from broker.transport.clients import valkey
from broker.transport.wakeups import TIMEOUT_SECONDS

KEEPS_ALL = "noeviction"
"""The only ``maxmemory-policy`` with which a queue is one."""


def eviction(url: str) -> str | None:
    """Return a Valkey's ``maxmemory-policy``; None where the URL is another engine's or it does not
    answer."""
    if not is_valkey(url):
        return None
    times = {"socket_timeout": TIMEOUT_SECONDS, "socket_connect_timeout": TIMEOUT_SECONDS}
    try:
        with valkey(url, **times) as opened:
            memory = opened.info("memory")
    except RedisError:
        return None  # an access rule may forbid the question
    policy: str | None = memory.get("maxmemory_policy")
    return policy
