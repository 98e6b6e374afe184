"""Users of the agencies' Valkey (or Redis): each agency reads its own queue, and nothing else."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from redis import Redis
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from broker.domain.ids import OrganisationCode
from broker.errors import Unavailable
from broker.transport.queues import RECEIPTS_QUEUE, queue_name

COMMANDS = (
    *("auth", "hello", "ping", "select", "client|setinfo", "client|setname", "reset", "quit"),
    *("multi", "exec", "discard"),
    *("blpop", "brpop", "lpop", "rpop", "lpush", "rpush", "llen", "lrange", "exists"),
)
"""What a consumer needs: Kombu's, or a plain client's. None is of the class ``dangerous``."""
READ_ANOTHERS = ("LRANGE", "agency.another", "0", "0")


def is_valkey(url: str) -> bool:
    """Tell whether an address is that of a Valkey or Redis, as against a RabbitMQ."""
    return urlsplit(url).scheme in {"redis", "rediss"}


def rules(agency: OrganisationCode) -> tuple[str, ...]:
    """Return the rules of an agency's user, without its password (Valkey, ACL SETUSER)."""
    keys = (f"~{queue_name(agency)}", f"%W~{RECEIPTS_QUEUE}")
    return ("reset", "on", *keys, "-@all", *(f"+{command}" for command in COMMANDS))


def rabbitmq_lines(agency: OrganisationCode, password: str) -> tuple[str, ...]:
    """Return the commands that make the same user at a RabbitMQ.

    It may declare nothing, and publish to the exchange ``receipts`` alone: a user that may publish
    to the default exchange reaches every queue.
    """
    reads = queue_name(agency).replace(".", r"\.")
    return (
        f"rabbitmqctl add_user {agency} {password}",
        f"rabbitmqctl set_permissions {agency} '^$' '^{RECEIPTS_QUEUE}$' '^{reads}$'",
    )


def address_for(url: str, agency: OrganisationCode, password: str) -> str:
    """Return the address of the message broker with an agency's user in it."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    user = f"{quote(str(agency), safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{user}@{host}"))


def add_user(url: str, agency: OrganisationCode, password: str) -> bool:
    """Make or replace an agency's user; False when it will not outlive a restart of the Valkey.

    Raises Unavailable when the Valkey does not answer or does not allow it.
    """
    try:
        with Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2) as opened:
            valkey: Any = opened  # execute_command has no types
            valkey.execute_command("ACL", "SETUSER", agency, *rules(agency), f">{password}")
            return _is_saved(valkey)
    except RedisError as error:
        raise Unavailable("The agencies' Valkey did not make the user.") from error


def _is_saved(valkey: Any) -> bool:
    try:
        valkey.execute_command("ACL", "SAVE")
    except ResponseError:  # it has no file of users
        return False
    return True


def default_reads_all(url: str) -> bool:
    """Tell whether the user ``default`` can read every agency's queue: a password that is shared.

    Raises Unavailable when the Valkey does not answer.
    """
    try:
        with Redis.from_url(url, socket_timeout=5, socket_connect_timeout=2) as valkey:
            user = valkey.acl_getuser("default")
            if user is None or "on" not in user["flags"]:
                return False
            return bool(valkey.acl_dryrun("default", *READ_ANOTHERS) in {b"OK", "OK"})
    except NoPermissionError:
        return False
    except RedisError as error:
        raise Unavailable("The agencies' Valkey does not answer.") from error
