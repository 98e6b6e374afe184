"""The page of the API comes whole from our own address."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from broker.gateway import api_page, openapi
from broker.gateway.calls import CALLS

STATIC = Path(api_page.__file__).with_name("static")


@pytest.fixture
def client() -> TestClient:
    app = Starlette(routes=[Route("/docs", api_page.page), api_page.FILES])
    app.state.openapi = openapi.document(CALLS)
    return TestClient(app)


def test_what_the_page_names_is_served(client: TestClient) -> None:
    text = client.get("/docs").text
    addresses = re.findall(r'(?:src|href)="(/docs/[^"]+)"', text)
    assert len(addresses) == 2
    for address in addresses:
        answer = client.get(address)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        assert answer.content == (STATIC / address.rpartition("/")[2]).read_bytes()


def test_files_are_compressed_only_for_a_browser_that_accepts_it(client: TestClient) -> None:
    address = api_page.FILES.path.replace("{name}", "redoc.css")
    plain = client.get(address, headers={"Accept-Encoding": "identity"})
    packed = client.get(address, headers={"Accept-Encoding": "br, gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.content == packed.content


def test_no_other_file_is_served(client: TestClient) -> None:
    for name in ("README.md", "..%2Fapp.py", "redoc.LICENSE.txt"):
        assert client.get(api_page.FILES.path.replace("{name}", name)).status_code == 404


def test_the_policy_lets_nothing_come_from_elsewhere(client: TestClient) -> None:
    policy = client.get("/docs").headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert not re.search(r"https?:|\*|'unsafe-eval'|script-src[^;]*unsafe", policy)


def test_without_a_script_every_call_is_listed(client: TestClient) -> None:
    text = client.get("/docs").text
    for path, methods in openapi.document(CALLS)["paths"].items():
        for method in methods:
            assert f"<code>{method.upper()} {path}</code>" in text


def test_the_script_is_the_one_that_is_described() -> None:
    script = (STATIC / "redoc.js").read_bytes()
    assert sha256(script).hexdigest() in (STATIC / "README.md").read_text(encoding="utf-8")
    assert b"https://cdn." not in script
    assert b"https://otel." not in script
