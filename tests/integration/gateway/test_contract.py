"""The live API against its own description, with requests that nobody would think of."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from broker.gateway.call import Call
from broker.gateway.calls import CALLS

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
MODES = [
    *((call, "positive") for call in CALLS),
    *((call, "negative") for call in CALLS if call.takes or call.query or "{" in call.path),
]
"""A call that takes nothing cannot be called wrongly."""
FEW = settings(
    max_examples=10,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@schemathesis.serializer("application/x-ndjson")
def one_line(_: Any, value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


@pytest.fixture
def described(address: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The document that the gateway serves."""
    monkeypatch.setattr("broker.gateway.bounds.CALLS_A_SECOND_EACH", 100_000)
    return description(requests.get(f"{address}/openapi.json", timeout=120).text)


@cache
def description(text: str) -> Any:
    """Return the calls that a document describes, read once: it is the same for every test.

    So what is worked out about its schemas for a call serves the others too.
    """
    return schemathesis.openapi.from_dict(json.loads(text))


@pytest.mark.parametrize(("call", "mode"), MODES, ids=lambda part: getattr(part, "path", part))
def test_every_call_keeps_to_its_description(
    described: Any, address: str, key: Callable[..., dict], call: Call, mode: str
) -> None:
    operation = described[call.path][call.method]
    everything = key("staffordshire-police", "publish", "collect", "ops")
    cases = operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode))
    with requests.Session() as session:

        @seed(20261211)
        @FEW
        @given(case=cases)
        def keeps_to_it(case: Any) -> None:
            case.body = shortened(case.body)
            response = case.call(base_url=address, headers=everything, session=session, timeout=120)
            case.validate_response(response, checks=CHECKS)

        keeps_to_it()


def shortened(body: Any) -> Any:
    """Return a body that asks for no long wait."""
    if isinstance(body, dict) and isinstance(body.get("wait"), int | float):
        return body | {"wait": min(body["wait"], 0)}
    return body
