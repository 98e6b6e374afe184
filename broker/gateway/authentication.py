"""Authentication: the key of a request, its scopes, and how often it may call."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request

from broker.admin.api_keys import Key
from broker.domain.codes import Scope
from broker.domain.credential import Credential
from broker.domain.ids import CredentialId, OrganisationCode
from broker.errors import Denied, Throttled
from broker.flow.context import Context
from broker.gateway.problems import Forbidden

CACHE_SECONDS = 5.0
"""A revoked key works at most so long in a gateway that has just used it."""
CACHE_SIZE = 10_000
PER_KEY = "200/second"
FAILURES_PER_ADDRESS = "20/second"
_BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class Caller:
    """An organisation that proved who it is."""

    organisation: OrganisationCode
    credential: CredentialId
    scopes: frozenset[str]

    @property
    def actor(self) -> str:
        """How the history names the caller."""
        return f"key:{self.credential}"

    @property
    def sees(self) -> OrganisationCode | None:
        """The organisation whose referrals the caller may see; None means every organisation."""
        return None if Scope.OPS in self.scopes else self.organisation


class Authentication:
    """Looks keys up and caches them for a few seconds. May be used from any thread."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._known: OrderedDict[CredentialId, tuple[Credential | None, float]] = OrderedDict()
        self._used: set[CredentialId] = set()
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._per_key, self._failures = parse(PER_KEY), parse(FAILURES_PER_ADDRESS)

    def key(self, request: Request) -> Key:
        """Return the key of a request. Raises Denied, or Throttled after many failures."""
        try:
            return Key.parse(_bearer(request))
        except Denied:
            self._spend(self._failures, _address(request))
            raise

    def remembered(self, id_: CredentialId) -> tuple[Credential | None, bool]:
        """Return the cached credential of a key, and whether it is fresh enough to use."""
        with self._lock:
            credential, until = self._known.get(id_, (None, 0.0))
        return credential, time.monotonic() < until

    def look_up(self, id_: CredentialId) -> Credential | None:
        """Read a key from the ledger and cache it. Raises Unavailable."""
        began = time.monotonic()
        credential = self._context.ledger.credentials.credential(id_)
        with self._lock:
            self._known[id_] = (credential, began + CACHE_SECONDS)
            if len(self._known) > CACHE_SIZE:
                self._known.popitem(last=False)
        return credential

    def admit(
        self, request: Request, key: Key, credential: Credential | None, scopes: Collection[Scope]
    ) -> Caller:
        """Return the caller, who has one of these scopes. Raises Denied, Forbidden or Throttled."""
        if credential is None or not key.opens(credential, self._context.clock()):
            self._spend(self._failures, _address(request))
            raise Denied("This key is unknown, wrong, expired or revoked.")
        self._spend(self._per_key, credential.id)
        if credential.scopes.isdisjoint(scopes):
            raise Forbidden(f"This call needs a key with the scope {' or '.join(scopes)}.")
        with self._lock:
            self._used.add(credential.id)
        return Caller(credential.organisation, credential.id, credential.scopes)

    def note_use(self) -> None:
        """Record which keys were used since the last time."""
        with self._lock:
            used, self._used = self._used, set()
        if used:
            self._context.ledger.credentials.touch_credentials(sorted(used), self._context.clock())

    def _spend(self, limit: RateLimitItem, spender: str) -> None:
        if not self._limiter.hit(limit, spender):
            raise Throttled("Too many requests.", retry_after=timedelta(seconds=1))


def _address(request: Request) -> str:
    return request.client.host if request.client else "nobody"


def _bearer(request: Request) -> str:
    header = request.headers.get("authorization", "")
    if header[: len(_BEARER)].lower() != _BEARER:
        raise Denied("This call needs a key.")
    return header[len(_BEARER) :].strip()
