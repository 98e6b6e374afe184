"""Users of the agencies' message broker: each reads its own queue, and nothing else."""

from __future__ import annotations

import hashlib
import shlex
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from redis import Redis
from redis.exceptions import NoPermissionError, RedisError, ResponseError

from broker.conversations import within
from broker.domain.ids import OrganisationCode
from broker.transport import lasting_faults
from broker.transport.clients import every_valkey, kombu_connection
from broker.transport.queues import RECEIPTS_QUEUE, SERVER, queue_name

COMMANDS = (
    *("auth", "hello", "ping", "select", "client|setinfo", "client|setname", "reset", "quit"),
    *("multi", "exec", "discard"),
    *("blpop", "brpop", "lpop", "rpop", "lpush", "rpush", "llen", "lrange", "exists"),
)
"""What a consumer needs: Kombu's, or a plain client's. None is of the class ``dangerous``."""
READ_ANOTHERS = ("LRANGE", "agency.another", "0", "0")
GUEST = "guest"
"""The user with which a RabbitMQ comes, and its password."""
ENTER_SECONDS = 5.0
_TIMES = {"socket_timeout": 5, "socket_connect_timeout": 2}


def rules(agency: OrganisationCode) -> tuple[str, ...]:
    """Return the rules of an agency's user, without its password (Valkey, ACL SETUSER)."""
    keys = (f"~{queue_name(agency)}", f"%W~{RECEIPTS_QUEUE}")
    return ("reset", "on", *keys, "-@all", *(f"+{command}" for command in COMMANDS))


def rabbitmq_lines(agency: OrganisationCode, address: Path) -> tuple[str, ...]:
    """Return the commands that make the same user at a RabbitMQ, from the file of its address.

    None of them holds the password, since every account sees the commands that run. The user may
    declare nothing, and publish to the exchange ``receipts`` alone: one that may publish to the
    default exchange reaches every queue.
    """
    reads = queue_name(agency).replace(".", r"\.")
    password = f"cut -d: -f3 {shlex.quote(str(address))} | cut -d@ -f1"
    return (
        f"{password} | rabbitmqctl add_user {agency}",
        f"rabbitmqctl set_permissions {agency} '^$' '^{RECEIPTS_QUEUE}$' '^{reads}$'",
    )


def address_for(url: str, agency: OrganisationCode, password: str) -> str:
    """Return the address of the message broker with an agency's user in it."""
    return _as_user(url, str(agency), password)


def _as_user(url: str, name: str, password: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    user = f"{quote(name, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{user}@{host}"))


def acl_line(agency: OrganisationCode, password: str) -> str:
    """Return the command that makes an agency's user at a Valkey, with the password's digest."""
    digest = hashlib.sha256(password.encode()).hexdigest()
    return f"ACL SETUSER {agency} {' '.join(rules(agency))} #{digest}"


def add_user(url: str, agency: OrganisationCode, password: str) -> bool:
    """Make or replace an agency's user; False when it will not outlive a restart of the Valkey.

    Under Sentinel it is made at every Valkey, since users are not replicated. Raises Unavailable
    when one does not answer, and Misconfigured when it does not allow it.
    """
    try:
        saved = [_add(opened, agency, password) for opened in every_valkey(url, **_TIMES)]
    except RedisError as error:
        raise lasting_faults.of(error, SERVER) from error
    return all(saved)


def _add(opened: Redis, agency: OrganisationCode, password: str) -> bool:
    with opened:
        valkey: Any = opened  # execute_command has no types
        valkey.execute_command("ACL", "SETUSER", agency, *rules(agency), f">{password}")
        return _is_saved(valkey)


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
        shared = [_default_reads_all(opened) for opened in every_valkey(url, **_TIMES)]
    except NoPermissionError:
        return False
    except RedisError as error:
        raise lasting_faults.of(error, SERVER) from error
    return any(shared)


def guest_may_enter(url: str) -> bool:
    """Tell whether a RabbitMQ lets in its own administrator ``guest`` with the password that
    everybody knows.

    What other users may do AMQP does not say. Raises Unavailable when it does not answer.
    """
    options = {"connect_timeout": _TIMES["socket_connect_timeout"]}
    connection = kombu_connection(_as_user(url, GUEST, GUEST), options)
    try:
        with within(ENTER_SECONDS):
            connection.connect()
    except (OSError, *connection.connection_errors, *connection.channel_errors) as error:
        if lasting_faults.is_lasting(error):
            return False
        raise lasting_faults.of(error, SERVER) from error
    finally:
        with suppress(Exception), within(ENTER_SECONDS):
            connection.release()
    return True


def _default_reads_all(opened: Redis) -> bool:
    with opened:
        valkey: Any = opened
        user = valkey.acl_getuser("default")
        if user is None or "on" not in user["flags"]:
            return False
        return bool(valkey.acl_dryrun("default", *READ_ANOTHERS) in {b"OK", "OK"})
