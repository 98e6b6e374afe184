"""One trace across processes: a gateway and a worker of their own, and the SDK before them."""

from datetime import UTC, datetime
from pathlib import Path

from referral_broker_client import Consumer, Publisher

from broker.admin.api_keys import issue
from broker.devstack.engines import Engines
from broker.devstack.rebase_times import rebase
from broker.domain.codes import Scope
from broker.domain.ids import OrganisationCode
from broker.ledger.ledger import Ledger
from tests.acceptance.conftest import sample
from tests.acceptance.stack import Stack
from tests.collector import collecting
from tests.conftest import eventually

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
STEPS = {"accept", "route", "collect", "answer"}


def _key(ledger: Ledger, organisation: str, scope: Scope) -> str:
    code, now = OrganisationCode(organisation), datetime.now(UTC)
    return issue(ledger, code, [scope], label="test", now=now)


def test_gateway_and_worker_write_into_one_trace(
    engines: Engines, dsn: str, tmp_path: Path
) -> None:
    engines.wakeup.wipe()
    engines.exchange.wipe()
    with Ledger.open(dsn, application_name="tests") as ledger:
        police = _key(ledger, "staffordshire-police", Scope.PUBLISH)
    with (
        collecting() as collector,
        Stack(engines, dsn, tmp_path, BROKER_TRACES_URL=collector.url) as stack,
        Publisher(stack.url, police) as publisher,
    ):
        document = rebase(sample(2), now=datetime.now(UTC))
        handed_in = publisher.publish(document, wait=20, traceparent=f"00-{TRACE}-{SPAN}-01")
        (delivery,) = publisher.status(handed_in.id).raw["deliveries"]
        with Ledger.open(dsn, application_name="tests") as ledger:
            agency = _key(ledger, delivery["agency"], Scope.COLLECT)
        with Consumer(stack.url, agency, by="Intake", wait=1) as consumer:
            with next(iter(consumer)) as taken:
                assert taken.id == delivery["id"]
            consumer.stop()
        referral = str(handed_in.id)
        eventually(lambda: set(collector.of(referral)) == STEPS)
        found = collector.of(referral)
    services = {name: {span.service for span in spans} for name, spans in found.items()}
    # A worker whose children are still starting routes in its sweeper.
    assert services.pop("route") <= {"broker-worker", "broker-sweeping"}
    assert set().union(*services.values()) == {"broker-gateway"}
    (first,) = found["accept"]
    assert first.links == ((TRACE, SPAN),)
    assert [span.parent for span in collector.spans if span.trace == TRACE] == [SPAN]
