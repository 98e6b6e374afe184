"""The outgoing POST against real servers on loopback: what they do, and what comes of it."""

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from broker.transport.http import (
    Answered,
    Forbidden,
    Limits,
    PostResult,
    SafePost,
    Unanswered,
    is_public,
    signature,
)

AT = datetime.datetime(2026, 12, 21, 14, 1, tzinfo=datetime.UTC)
KEY = b"shared"
SHORT = Limits(connect_seconds=1.0, answer_seconds=0.5, total_seconds=1.0, answer_bytes=1000)
OK = b"HTTP/1.1 204 No Content\r\n\r\n"
Serve = Callable[[socket.socket], None]


@contextmanager
def serving(serve: Serve, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Answer connections one after the other, each by ``serve``; yields the port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def run() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                    if context:
                        connection = context.wrap_socket(connection, server_side=True)
                    with connection:
                        serve(connection)
                except ValueError:
                    return
                except OSError:
                    if listener.fileno() < 0:
                        return

        threading.Thread(target=run, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def read_request(connection: socket.socket) -> bytes:
    request = b""
    while not request.endswith(b"{}"):
        request += connection.recv(65_536)
    return request


def answering(answer: bytes, requests: list[bytes] | None = None) -> Serve:
    def serve(connection: socket.socket) -> None:
        request = read_request(connection)
        if requests is not None:
            requests.append(request)
        connection.sendall(answer)

    return serve


def dripping(head: bytes, piece: bytes) -> Serve:
    """Send ``head``, then a piece each 0.1 s for as long as anybody listens."""

    def serve(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(head)
        for _ in range(200):
            connection.sendall(piece)
            time.sleep(0.1)

    return serve


def post(port: int, path: str = "/hook", *, allow_private: bool = True) -> PostResult:
    sender = SafePost(KEY, clock=lambda: AT, allow_private=allow_private, limits=SHORT)
    return sender.post(f"http://127.0.0.1:{port}{path}", id_="0193", body=b"{}")


def test_path_query_and_signature_arrive_as_they_were_sent() -> None:
    requests: list[bytes] = []
    with serving(answering(OK, requests)) as port:
        result = post(port, "/hook?api-version=1&sig=a%2Fb")
    assert isinstance(result, Answered)
    assert result.status == 204
    lines = requests[0].decode().split("\r\n")
    assert lines[0] == "POST /hook?api-version=1&sig=a%2Fb HTTP/1.1"
    at = str(int(AT.timestamp()))
    assert {
        f"Host: 127.0.0.1:{port}",
        "Webhook-Id: 0193",
        f"Webhook-Timestamp: {at}",
        f"Webhook-Signature: {signature(KEY, '0193', at, b'{}')}",
    } <= set(lines)


def test_a_signature_is_as_the_specification_says() -> None:
    """The HMAC was computed with the command line of OpenSSL."""
    expected = "v1,7V4qKFhFY+MB+ohSdvY+Y9Fq1QbETSaUNgmN6xU3Wig="
    assert signature(b"shared", "0193", "1797861660", b"{}") == expected


def test_no_redirect_is_followed() -> None:
    requests: list[bytes] = []
    moved = b"HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n"
    with serving(answering(moved, requests)) as port:
        result = post(port)
    assert isinstance(result, Answered)
    assert (result.status, result.headers["location"]) == (307, "/elsewhere")
    assert len(requests) == 1


@pytest.mark.parametrize(
    "serve",
    [
        dripping(b"", b"H"),
        dripping(b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n"),
        dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", b"x"),
        dripping(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
        lambda connection: time.sleep(2),
    ],
    ids=["status line", "header lines", "body", "interim answers", "nothing at all"],
)
def test_a_server_that_takes_its_time_is_given_up(serve: Serve) -> None:
    with serving(serve) as port:
        began = time.monotonic()
        assert post(port) == Unanswered("timed_out")
        assert time.monotonic() - began < 10


@pytest.mark.parametrize(
    ("serve", "expected"),
    [
        (answering(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 2000), Unanswered("answer_too_large")),
        (answering(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000), Unanswered("unavailable")),
        (answering(b"220 mail.example.org ESMTP\r\n"), Unanswered("unavailable")),
        (answering(b""), Unanswered("unavailable")),
    ],
    ids=["large body", "endless header", "no HTTP", "hangs up"],
)
def test_an_answer_that_cannot_be_used(serve: Serve, expected: Unanswered) -> None:
    with serving(serve) as port:
        assert post(port) == expected


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert post(port) == Unanswered("unavailable")


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://hooks.example.org/", "not_encrypted"),
        ("ftp://hooks.example.org/", "bad_address"),
        ("https:///hook", "bad_address"),
        ("https://user@hooks.example.org/", "bad_address"),
        ("https://hooks.example.org:99999/", "bad_address"),
        ("https://hooks.example.org/a b", "bad_address"),
        ("https://hooks.example.org/\r\nX-Evil: 1", "bad_address"),
        (f"https://{'a' * 64}.example.org/", "bad_address"),
        ("https://127.0.0.1/", "private_address"),
        ("https://localhost/", "private_address"),
        ("https://[::ffff:127.0.0.1]/", "private_address"),
        ("https://2130706433/", "private_address"),
    ],
)
def test_an_address_that_may_not_be_used_gets_nothing(url: str, code: str) -> None:
    sender = SafePost(KEY, clock=lambda: AT, limits=SHORT)
    assert sender.post(url, id_="0193", body=b"{}") == Forbidden(code)


def test_a_private_server_is_not_even_connected_to() -> None:
    connections: list[socket.socket] = []
    with serving(connections.append) as port:
        sender = SafePost(KEY, clock=lambda: AT, limits=SHORT)
        result = sender.post(f"https://127.0.0.1:{port}/", id_="0193", body=b"{}")
        time.sleep(0.1)
    assert result == Forbidden("private_address")
    assert connections == []


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1"),
        *("::1", "fd00::1", "fe80::1%eth0", "ff0e::1", "fec0::1", "::127.0.0.1"),
        *("::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::808:808"),
        *("2002:7f00:1::", "2002:a00:1::1", "::8.8.8.8"),
    ],
)
def test_an_address_of_a_private_network_is_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "64:ff9b::808:808"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate and its key for localhost alone, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.2"))]
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path / "server.pem"
    file.write_bytes(
        signed.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return file


@pytest.mark.parametrize(("host", "expected"), [("localhost", Answered), ("127.0.0.1", Unanswered)])
def test_a_certificate_must_be_of_the_host_that_was_asked_for(
    certificate: Path, host: str, expected: type
) -> None:
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    trust = ssl.create_default_context(cafile=str(certificate))
    with serving(answering(OK), server) as port:
        sender = SafePost(KEY, clock=lambda: AT, allow_private=True, limits=SHORT, trust=trust)
        result = sender.post(f"https://{host}:{port}/", id_="0193", body=b"{}")
    assert isinstance(result, expected)
