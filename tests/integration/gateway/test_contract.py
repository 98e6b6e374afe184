"""The live API against its own description, with requests that nobody would think of."""

import json

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from broker.gateway import openapi
from broker.gateway.app import CALLS, build


@schemathesis.serializer("application/x-ndjson")
def one_line(_, value):
    """Send a document as the only line."""
    return value if isinstance(value, bytes) else json.dumps(value).encode()


CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
EXAMPLES = 8


@pytest.fixture
def api(broker, monkeypatch):
    """The description, with the application itself behind it."""
    monkeypatch.setattr("broker.gateway.authentication.PER_KEY", "100000/second")
    monkeypatch.setattr("broker.gateway.polling.MOST_WAITING", 0)  # nobody waits for half a minute
    return schemathesis.openapi.from_asgi("/openapi.json", build(broker))


@pytest.mark.parametrize("call", openapi.CALLS, ids=lambda call: f"{call.method} {call.path}")
def test_every_call_keeps_to_its_description(api, key, call) -> None:
    everything = key("staffordshire-police", "publish", "collect", "ops")

    @given(case=api[call.path][call.method].as_strategy())
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    def every_request(case) -> None:
        case.call_and_validate(headers=everything, checks=CHECKS)

    every_request()


def test_the_description_lists_every_call_that_is_served() -> None:
    served = {(method, path) for method, path, _ in CALLS}
    assert served == {(call.method, call.path) for call in openapi.CALLS}
