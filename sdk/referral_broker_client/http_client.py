"""One HTTP connection pool to the gateway: time-outs, bounded retries, problems into errors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Self
from urllib.parse import urlencode

import urllib3

from referral_broker_client.errors import Problem, Unavailable, Unexpected, error_for

CONNECT_SECONDS = 3.0
"""How long a connection may take to open."""
READ_SECONDS = 30.0
"""How long an answer may take, besides the ``wait`` of the request itself."""
ATTEMPTS_AFTER_THE_FIRST = 4
BACKOFF_SECONDS = 0.2
"""The second retry waits about this long, and each further one twice as long as the one before."""
LONGEST_BACKOFF_SECONDS = 10.0
LONGEST_RETRY_AFTER_SECONDS = 60
FIRST_REFUSING_STATUS = 300
RETRYABLE_STATUSES = frozenset({429, *range(500, 600)} - {501, 505})

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """A successful answer of the gateway."""

    status: int
    body: bytes = field(repr=False)
    answered_at: datetime | None
    """The gateway's own clock, to the second: leases are compared with this and not with ours."""

    def json(self) -> Any:
        """Return the body as JSON values."""
        try:
            return json.loads(self.body)
        except ValueError:
            raise Unexpected("The gateway's answer is not JSON.") from None


class HttpClient:
    """Calls to one gateway with one key. Safe to share between threads.

    Every call may be repeated: the broker gives the same answer to the same request, so that
    retries after a lost connection or a busy answer can neither lose nor double anything.
    """

    def __init__(self, url: str, key: str) -> None:
        self._url = url.rstrip("/")
        self._pool = urllib3.PoolManager(
            num_pools=1,
            maxsize=8,
            headers={
                "Authorization": f"Bearer {key}",
                "Accept": "application/json, application/problem+json",
                "User-Agent": "referral-broker-client/1",
            },
            retries=urllib3.Retry(
                total=ATTEMPTS_AFTER_THE_FIRST,
                redirect=0,
                allowed_methods=None,
                status_forcelist=RETRYABLE_STATUSES,
                backoff_factor=BACKOFF_SECONDS,
                backoff_jitter=BACKOFF_SECONDS,
                backoff_max=LONGEST_BACKOFF_SECONDS,
                retry_after_max=LONGEST_RETRY_AFTER_SECONDS,
                raise_on_status=False,
                raise_on_redirect=False,
            ),
        )

    def __repr__(self) -> str:
        return f"HttpClient({self._url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close every connection; a later call opens a new one."""
        self._pool.clear()

    def get(self, path: str, query: Mapping[str, str] | None = None, *, wait: float = 0) -> Reply:
        """Ask for something; ``wait`` is how many seconds the gateway may hold the request."""
        return self._call("GET", path + (f"?{urlencode(query)}" if query else ""), wait=wait)

    def post(
        self,
        path: str,
        body: Json | bytes,
        *,
        headers: Mapping[str, str] | None = None,
        wait: float = 0,
    ) -> Reply:
        """Send a document; bytes go out as they are, so that a digest of them holds."""
        raw = body if isinstance(body, bytes) else encode(body)
        all_headers = {"Content-Type": "application/json", **(headers or {})}
        return self._call("POST", path, body=raw, headers=all_headers, wait=wait)

    def put(self, path: str, body: Json, *, headers: Mapping[str, str]) -> Reply:
        """Replace what is at an address."""
        all_headers = {"Content-Type": "application/json", **headers}
        return self._call("PUT", path, body=encode(body), headers=all_headers, wait=0)

    def patch(self, path: str, body: Json, *, headers: Mapping[str, str]) -> Reply:
        """Change parts of what is at an address, by a merge patch (RFC 7396)."""
        all_headers = {"Content-Type": "application/merge-patch+json", **headers}
        return self._call("PATCH", path, body=encode(body), headers=all_headers, wait=0)

    def _call(
        self,
        method: str,
        target: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        wait: float,
    ) -> Reply:
        try:
            response = self._pool.request(
                method,
                self._url + target,
                body=body,
                headers={**self._pool.headers, **(headers or {})},
                timeout=urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS + wait),
            )
        except urllib3.exceptions.LocationValueError:
            raise Unavailable(f"{self._url} is not an address that can be called.") from None
        except urllib3.exceptions.HTTPError as error:
            raise Unavailable(f"The gateway at {self._url} {_fault_text(error)}.") from error
        return _reply(response)


def encode(value: Json) -> bytes:
    """Return a document as compact JSON bytes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _fault_text(error: urllib3.exceptions.HTTPError) -> str:
    """Describe the fault, without anything of the request."""
    reason = getattr(error, "reason", None) or error
    if isinstance(reason, urllib3.exceptions.NewConnectionError):
        return "refuses the connection or cannot be found"
    if isinstance(reason, urllib3.exceptions.TimeoutError):
        return "did not answer in time"
    return "broke the connection"


def _reply(response: urllib3.BaseHTTPResponse) -> Reply:
    if response.status < FIRST_REFUSING_STATUS:
        return Reply(response.status, response.data, _answered_at(response))
    raise error_for(_problem(response), retry_after_seconds=_retry_after(response))


def _problem(response: urllib3.BaseHTTPResponse) -> Problem:
    """Read the problem document, or make one when a proxy answered instead of the gateway."""
    try:
        value = json.loads(response.data)
    except ValueError:
        value = None
    if not isinstance(value, dict):
        value = {"title": f"HTTP status {response.status} without a problem document"}
    return Problem.from_json({**value, "status": response.status})


def _retry_after(response: urllib3.BaseHTTPResponse) -> float | None:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else None


def _answered_at(response: urllib3.BaseHTTPResponse) -> datetime | None:
    try:
        return parsedate_to_datetime(response.headers["Date"]).replace(tzinfo=UTC)
    except (KeyError, ValueError):
        return None


def version_seen(expected_version: int | None) -> Json:
    """Return what a body says of the version that the person saw; nothing for whichever is last."""
    return {} if expected_version is None else {"expected_version": expected_version}
