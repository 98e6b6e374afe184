"""The shipped configuration of nginx, run by the real nginx before a real gateway."""

import contextlib
import json
import shutil
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from broker.devstack.engines import Engines
from tests.acceptance.conftest import sample
from tests.acceptance.stack import Stack, free_port
from tests.conftest import PATIENCE_SECONDS, ROOT, eventually
from tests.floods.test_floods import answer, request

pytestmark = [
    pytest.mark.proof,
    pytest.mark.skipif(not shutil.which("nginx"), reason="nginx is not installed"),
]
CONNECTIONS = 200
"""Of one address, as the configuration has it."""
MAIN = """
daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/main.log; user root;
events {{ worker_connections 1024; }}
http {{
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
    include {folder}/broker.conf;
}}
"""
Open = Callable[..., ssl.SSLSocket]


def adapted(folder: Path, port: int, gateway: int) -> str:
    """Return the shipped configuration with what a site has to change."""
    text = (ROOT / "deploy" / "nginx" / "broker.conf").read_text(encoding="utf-8")
    for shipped, ours in (
        ("server 127.0.0.1:8080;", f"server 127.0.0.1:{gateway};"),
        ("listen 443 ssl;", f"listen 127.0.0.1:{port} ssl;"),
        ("/etc/ssl/broker/fullchain.pem", f"{folder}/certificate.pem"),
        ("/etc/ssl/broker/key.pem", f"{folder}/key.pem"),
        ("/var/log/nginx/broker.log", f"{folder}/access.log"),
        ("/var/log/nginx/broker-error.log", f"{folder}/error.log"),
        ("allow 127.0.0.1;", "allow 127.0.0.7;"),
    ):
        assert shipped in text, shipped
        text = text.replace(shipped, ours)
    return text


@pytest.fixture
def stack(engines: Engines, dsn: str, tmp_path: Path) -> Iterator[Stack]:
    trusted = {"BROKER_TRUSTED_PROXIES": "127.0.0.1"}
    with Stack(engines, dsn, tmp_path, workers=0, **trusted) as opened:
        yield opened


@pytest.fixture
def folder(short: Path) -> Path:
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=broker.example.org"
    files = ["-keyout", str(short / "key.pem"), "-out", str(short / "certificate.pem")]
    subprocess.run([*command.split(), *files], check=True, capture_output=True)
    return short


@pytest.fixture
def connect(stack: Stack, folder: Path) -> Iterator[Open]:
    """Start the proxy; open connections to it from any address of this machine."""
    port = free_port()
    (folder / "broker.conf").write_text(adapted(folder, port, stack.port), encoding="utf-8")
    (folder / "nginx.conf").write_text(MAIN.format(folder=folder), encoding="utf-8")
    nginx = ("nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"))
    trusting = ssl.create_default_context(cafile=folder / "certificate.pem")
    trusting.check_hostname = False
    with contextlib.ExitStack() as opened:
        process = opened.enter_context(subprocess.Popen(nginx))
        opened.callback(process.terminate)

        def make(sent: bytes, source: str = "127.0.0.1") -> ssl.SSLSocket:
            plain = socket.create_connection(
                ("127.0.0.1", port), PATIENCE_SECONDS, source_address=(source, 0)
            )
            connection = opened.enter_context(trusting.wrap_socket(plain))
            connection.sendall(sent)
            return connection

        def is_up() -> bool:
            assert process.poll() is None
            with contextlib.suppress(ConnectionRefusedError):
                return answer(make(request("/livez", "none")))[0] == 200
            return False

        eventually(is_up)
        yield make


def test_calls_pass_the_proxy_and_its_log_holds_nothing_of_them(
    connect: Open, folder: Path, key: Callable[..., dict[str, str]]
) -> None:
    publisher = key("staffordshire-police", "publish")["Authorization"].removeprefix("Bearer ")
    body = json.dumps({**sample(1), "reference": "PROXY/1"}).encode()
    status, headers, receipt = answer(connect(request("/v1/referrals", publisher, body=body)))
    assert status == 202
    assert headers["strict-transport-security"]
    path = f"/v1/referrals?reference={receipt['reference']}"
    assert answer(connect(request(path, publisher)))[0] == 200
    log = (folder / "access.log").read_text(encoding="ascii")
    assert headers["x-request-id"] in log
    assert not any(text in log for text in ("PROXY", "referrals", receipt["id"], publisher))


def test_each_caller_has_limits_of_its_own_whatever_it_says_of_its_address(connect: Open) -> None:
    def denied(source: str, number: int) -> int:
        forwarded = f"X-Forwarded-For: 192.0.2.{number % 250}"
        return answer(connect(request("/v1/queue", "none", forwarded), source))[0]

    eventually(lambda: 429 in {denied("127.0.0.2", number) for number in range(40)})
    assert denied("127.0.0.3", 1) == 401


def test_connections_over_the_limit_are_answered_with_a_problem_document(connect: Open) -> None:
    half = request("/v1/referrals", "none", "Content-Length: 9", method="POST")
    held = [connect(half, "127.0.0.4") for _ in range(CONNECTIONS)]
    status, headers, problem = answer(connect(request("/livez", "none"), "127.0.0.4"))
    assert (status, problem["code"]) == (429, "throttled")
    assert headers["content-type"] == "application/problem+json"
    assert headers["retry-after"] == "1"
    assert answer(connect(request("/livez", "none"), "127.0.0.5"))[0] == 200
    assert len(held) == CONNECTIONS


def test_a_gateway_that_is_away_is_a_problem_to_repeat(connect: Open, stack: Stack) -> None:
    stack.kill_gateway()
    status, headers, problem = answer(connect(request("/livez", "none")))
    assert (status, problem["code"], problem["retryable"]) == (503, "unavailable", True)
    assert headers["retry-after"] == "2"


def test_metrics_are_for_the_address_that_is_named_alone(connect: Open) -> None:
    assert answer_status(connect(request("/metrics", "none"), "127.0.0.6")) == 403
    assert answer_status(connect(request("/metrics", "none"), "127.0.0.7")) == 401


def answer_status(connection: ssl.SSLSocket) -> int:
    """Return the status alone: nginx's own refusal is no problem document."""
    return int(connection.recv(65536).split()[1])
