"""Users of the exchange, on a real Valkey: each agency has its own queue, and no other."""

import secrets
from collections.abc import Iterator

import pytest
from redis import Redis
from redis.exceptions import NoPermissionError

from broker.devstack.engines import Engines
from broker.domain.ids import OrganisationCode
from broker.transport.exchange_users import add_user, address_for, default_reads_all
from broker.transport.wakeups import CHANNEL

STOKE = OrganisationCode("stoke-csc")


@pytest.fixture
def address(engines: Engines) -> str:
    """The address with which stoke-csc reaches its queue."""
    engines.exchange.start()
    engines.exchange.wipe()
    password = secrets.token_urlsafe(24)
    assert add_user(engines.exchange_url, STOKE, password)
    return address_for(engines.exchange_url, STOKE, password)


@pytest.fixture
def valkey(address: str) -> Iterator[Redis]:
    with Redis.from_url(address) as opened:
        yield opened


def test_an_agency_reads_its_own_queue_and_writes_receipts(engines: Engines, valkey: Redis) -> None:
    with Redis.from_url(engines.exchange_url) as broker:
        broker.lpush("agency.stoke-csc", "copy")
        assert valkey.brpop(["agency.stoke-csc"], timeout=1) == (b"agency.stoke-csc", b"copy")
        valkey.lpush("receipts", "signed")
        assert broker.lrange("receipts", 0, -1) == [b"signed"]


@pytest.mark.parametrize(
    "command",
    [
        ("LRANGE", "agency.shropshire-csc", "0", "-1"),
        ("LRANGE", "agency.stoke-csc2", "0", "-1"),
        ("BRPOP", "agency.shropshire-csc", "1"),
        ("LPUSH", "agency.shropshire-csc", "forged"),
        ("LRANGE", "receipts", "0", "-1"),
        ("RPOP", "receipts"),
        ("HGET", "unacked", "x"),
        ("HGET", "receipts.unacked", "x"),
        ("KEYS", "*"),
        ("FLUSHALL",),
        ("CONFIG", "GET", "*"),
        ("ACL", "LIST"),
        ("EVAL", "return 1", "0"),
        ("SUBSCRIBE", "x"),
        ("SUBSCRIBE", CHANNEL),
        ("PUBLISH", CHANNEL, ""),
    ],
    ids=" ".join,
)
def test_an_agency_can_do_nothing_else(valkey: Redis, command: tuple[str, ...]) -> None:
    with pytest.raises(NoPermissionError):
        valkey.execute_command(*command)


def test_a_user_outlives_a_restart(engines: Engines, address: str) -> None:
    engines.exchange.stop()
    engines.exchange.start()
    with Redis.from_url(address) as valkey:
        assert valkey.llen("agency.stoke-csc") == 0


def test_a_shared_password_is_noticed(engines: Engines, address: str) -> None:
    assert not default_reads_all(engines.exchange_url)
    with Redis.from_url(engines.exchange_url) as broker:
        broker.execute_command("ACL", "SETUSER", "default", "on", ">shared", "~*", "+@all")
        try:
            assert default_reads_all(engines.exchange_url)
        finally:
            broker.execute_command("ACL", "SETUSER", "default", "reset")
