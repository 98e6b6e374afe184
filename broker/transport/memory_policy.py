"""What a Valkey does when its memory is full: it must refuse, and throw nothing away."""

from __future__ import annotations

from redis import Redis, RedisError

from broker.transport.wakeups import TIMEOUT_SECONDS

KEEPS_ALL = "noeviction"
"""The only ``maxmemory-policy`` with which a queue is one."""


def eviction(url: str) -> str | None:
    """Return a Valkey's ``maxmemory-policy``; None where it is none, or does not say."""
    if not url.startswith(("redis:", "rediss:", "unix:")):
        return None
    try:
        with Redis.from_url(
            url, socket_timeout=TIMEOUT_SECONDS, socket_connect_timeout=TIMEOUT_SECONDS
        ) as valkey:
            told = valkey.info("memory")
    except RedisError:
        return None  # an access rule may forbid the question
    policy: str | None = told.get("maxmemory_policy")
    return policy
