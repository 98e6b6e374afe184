"""Which address may be used for what."""

import pytest

from broker.engine_addresses import SentinelAddress, Use, unfit

FIT = [
    (Use.LEDGER, "postgresql://broker:x@host1,host2/broker?target_session_attrs=read-write"),
    (Use.LEDGER, "postgres:///broker?host=/run/postgresql"),
    (Use.LEDGER, "host=/run/postgresql dbname=broker"),
    (Use.WAKEUPS, "redis://:secret@valkey:6379/0"),
    (Use.WAKEUPS, "rediss://valkey/1?ssl_ca_certs=/etc/ca.pem"),
    (Use.WAKEUPS, "sentinel://a:26379,b/wake"),
    (Use.EXCHANGE, "sentinels://broker:secret@a,b,c:26380/agencies/2?sentinel_password=x"),
    (Use.EXCHANGE, "amqp://broker:secret@rabbit:5672//"),
    (Use.EXCHANGE, "amqps://broker:secret@rabbit/site"),
]
UNFIT = [
    (Use.LEDGER, "mysql://broker:hush@host/broker", "PostgreSQL"),
    (Use.LEDGER, "redis://:hush@valkey", "PostgreSQL"),
    (Use.WAKEUPS, "amqp://broker:hush@rabbit//", "a Valkey"),
    (Use.WAKEUPS, "postgresql://broker:hush@host/broker", "a Valkey"),
    (Use.WAKEUPS, "unix:///run/hush.sock", "a Valkey"),
    (Use.WAKEUPS, "valkey:6379", "without a scheme"),
    (Use.WAKEUPS, "redis:///0", "no host"),
    (Use.WAKEUPS, "redis://valkey:hush/0", "port"),
    (Use.WAKEUPS, "redis://valkey:6379/hush", "number"),
    (Use.EXCHANGE, "sentinel://:hush@a:26379", "group"),
    (Use.EXCHANGE, "sentinel://a:26379/", "group"),
    (Use.EXCHANGE, "sentinel://a:x/agencies", "sentinel"),
    (Use.EXCHANGE, "sentinel://a,,b/agencies", "sentinel"),
    (Use.EXCHANGE, "sentinel://a/agencies/hush", "number"),
    (Use.EXCHANGE, "sentinel://a/agencies?password=hush", "option password"),
    (Use.EXCHANGE, "https://rabbit.example.org", "RabbitMQ"),
    (Use.EXCHANGE, "amqp:///hush", "no host"),
]


@pytest.mark.parametrize(("use", "url"), FIT, ids=str)
def test_an_address_that_fits(use: Use, url: str) -> None:
    assert unfit(url, use) == ""


@pytest.mark.parametrize(("use", "url", "said"), UNFIT, ids=str)
def test_an_address_that_does_not_fit_is_named_without_its_secrets(
    use: Use, url: str, said: str
) -> None:
    reason = unfit(url, use)
    assert said in reason
    assert "hush" not in reason


def test_an_address_of_sentinels_is_read() -> None:
    read = SentinelAddress.parse("sentinels://us%40er:p%2Fw@a,b:7/g/3?sentinel_password=s")
    assert read.hosts == (("a", 26379), ("b", 7))
    assert (read.user, read.password, read.group, read.database) == ("us@er", "p/w", "g", 3)
    assert read.is_encrypted
    assert "p/w" not in repr(read)
    assert "sentinel_password" not in repr(read)
