"""Who is calling: the key, its scopes, and how often it may call."""

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

KEPT_SECONDS = 5.0
"""A key that was revoked works at most so long after, in every gateway."""
KEPT = 10_000
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
        """How the history names who did something."""
        return f"key:{self.credential}"

    @property
    def sees(self) -> OrganisationCode | None:
        """Whose referrals the caller may see; None is everybody's."""
        return None if Scope.OPS in self.scopes else self.organisation


class Authentication:
    """Looks keys up, and remembers them for a few seconds. May be used from any thread."""

    def __init__(self, context: Context) -> None:
        self._broker = context
        self._lock = threading.Lock()
        self._known: OrderedDict[CredentialId, tuple[Credential | None, float]] = OrderedDict()
        self._used: set[CredentialId] = set()
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._per_key, self._failures = parse(PER_KEY), parse(FAILURES_PER_ADDRESS)

    def key(self, request: Request) -> Key:
        """Return the key that a request bears. Raises Denied, or Throttled after many others."""
        try:
            return Key.parse(_bearer(request))
        except Denied:
            self._spend(self._failures, _address(request))
            raise

    def remembered(self, id_: CredentialId) -> tuple[Credential | None, bool]:
        """Return what is known of a key, and whether that is fresh enough to go by."""
        with self._lock:
            found, until = self._known.get(id_, (None, 0.0))
        return found, time.monotonic() < until

    def look_up(self, id_: CredentialId) -> Credential | None:
        """Ask the ledger for a key, and remember it. Raises Unavailable."""
        asked_at = time.monotonic()
        found = self._broker.ledger.credentials.credential(id_)
        with self._lock:
            self._known[id_] = (found, asked_at + KEPT_SECONDS)
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        return found

    def admit(
        self, request: Request, key: Key, found: Credential | None, scopes: Collection[Scope]
    ) -> Caller:
        """Return who calls, with one of these scopes. Raises Denied, Forbidden or Throttled."""
        if found is None or not key.opens(found, self._broker.clock()):
            self._spend(self._failures, _address(request))
            raise Denied("This key is unknown, wrong, expired or revoked.")
        self._spend(self._per_key, found.id)
        if found.scopes.isdisjoint(scopes):
            raise Forbidden(f"This call needs a key with the scope {' or '.join(scopes)}.")
        with self._lock:
            self._used.add(found.id)
        return Caller(found.organisation, found.id, found.scopes)

    def note_use(self) -> None:
        """Write down which keys were used since the last time."""
        with self._lock:
            used, self._used = self._used, set()
        if used:
            self._broker.ledger.credentials.touch_credentials(sorted(used), self._broker.clock())

    def _spend(self, limit: RateLimitItem, who: str) -> None:
        if not self._limiter.hit(limit, who):
            raise Throttled("Too many requests.", retry_after=timedelta(seconds=1))


def _address(request: Request) -> str:
    return request.client.host if request.client else "nobody"


def _bearer(request: Request) -> str:
    given = request.headers.get("authorization", "")
    if given[: len(_BEARER)].lower() != _BEARER:
        raise Denied("This call needs a key.")
    return given[len(_BEARER) :].strip()
