"""The live API against its own description, with requests that nobody would think of."""

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from broker.gateway import openapi
from broker.gateway.app import build

schema = schemathesis.pytest.from_fixture("api")


@pytest.fixture
def api(broker, monkeypatch):
    """The description, with the application itself behind it."""
    monkeypatch.setattr("broker.gateway.authentication.PER_KEY", "100000/second")
    return schemathesis.openapi.from_asgi("/openapi.json", build(broker))


@pytest.fixture
def everything(key):
    """A key that may do everything."""
    return key("staffordshire-police", "publish", "collect", "ops")


@schema.parametrize()
@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
def test_every_call_keeps_to_its_description(case, everything) -> None:
    response = case.call(headers=everything)
    case.validate_response(
        response,
        checks=[
            not_a_server_error,
            status_code_conformance,
            content_type_conformance,
            response_schema_conformance,
        ],
    )


def test_the_description_lists_every_call_that_is_served() -> None:
    from broker.gateway.app import CALLS  # noqa: PLC0415 - beside the other CALLS

    served = {(method, path) for method, path, _ in CALLS}
    assert served == {(call.method, call.path) for call in openapi.CALLS}
