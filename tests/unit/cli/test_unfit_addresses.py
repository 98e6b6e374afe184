"""An address that cannot be used for what it is set is refused by every command alike."""

import pytest

from broker.cli.exit_codes import FAILED, USAGE
from tests.unit.cli.conftest import Run

ENVIRONMENT = {
    "BROKER_DATABASE_URL": "postgresql://127.0.0.1:9/broker",
    "BROKER_WAKEUP_URL": "redis://127.0.0.1:9/0",
    "BROKER_EXCHANGE_URL": "redis://127.0.0.1:9/1",
}
UNFIT = {
    "BROKER_DATABASE_URL": ("mysql://:hush@127.0.0.1/broker", "PostgreSQL"),
    "BROKER_WAKEUP_URL": ("amqp://:hush@127.0.0.1//", "a Valkey"),
    "BROKER_EXCHANGE_URL": ("sentinel://:hush@127.0.0.1", "group"),
}


@pytest.mark.parametrize("name", UNFIT)
@pytest.mark.parametrize(
    ("command", "code"), [("serve", USAGE), ("worker", USAGE), ("doctor", FAILED)]
)
def test_an_unfit_address_stops_a_command(run: Run, command: str, code: int, name: str) -> None:
    url, said = UNFIT[name]
    ran = run(command, **{**ENVIRONMENT, name: url})
    assert ran.code == code
    told = ran.out + ran.err
    assert name in told
    assert said in told
    assert "hush" not in told
    assert "unexpected" not in told


def test_a_command_that_needs_the_ledger_alone_says_the_same(run: Run) -> None:
    ran = run("migrate", BROKER_DATABASE_URL=UNFIT["BROKER_DATABASE_URL"][0])
    assert ran.code == USAGE
    assert "PostgreSQL" in ran.err
    assert "hush" not in ran.err
