"""Who is calling: the key, its scopes, and how often it may call."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta

from limits import RateLimitItem, parse
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request

from broker.domain.codes import Scope
from broker.domain.ids import CredentialId, OrganisationCode
from broker.errors import Denied, Throttled
from broker.flow.keys import Key
from broker.flow.parts import Broker
from broker.gateway.problems import Forbidden
from broker.ledger.rows import Credential

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

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._lock = threading.Lock()
        self._known: OrderedDict[CredentialId, tuple[Credential | None, float]] = OrderedDict()
        self._used: set[CredentialId] = set()
        self._limiter = MovingWindowRateLimiter(MemoryStorage())
        self._per_key, self._failures = parse(PER_KEY), parse(FAILURES_PER_ADDRESS)

    def caller(self, request: Request, *scopes: Scope) -> Caller:
        """Return who calls, with one of these scopes.

        Raises Denied, Forbidden, Throttled, or Unavailable when the ledger is away.
        """
        credential = self._credential(request)
        self._spend(self._per_key, credential.id)
        if not credential.scopes & set(scopes):
            raise Forbidden(f"This call needs a key with the scope {' or '.join(scopes)}.")
        with self._lock:
            self._used.add(credential.id)
        return Caller(credential.organisation, credential.id, credential.scopes)

    def note_use(self) -> None:
        """Write down which keys were used since the last time."""
        with self._lock:
            used, self._used = self._used, set()
        if used:
            self._broker.ledger.touch_credentials(sorted(used), self._broker.clock())

    def _credential(self, request: Request) -> Credential:
        try:
            key = Key.parse(_bearer(request))
            found = self._look_up(key.id)
            if found is None or not key.opens(found, self._broker.clock()):
                raise Denied("This key is unknown, wrong, expired or revoked.")
        except Denied:
            self._spend(self._failures, request.client.host if request.client else "nobody")
            raise
        return found

    def _look_up(self, id_: CredentialId) -> Credential | None:
        now = time.monotonic()
        with self._lock:
            found, until = self._known.get(id_, (None, 0.0))
        if now < until:
            return found
        found = self._broker.ledger.credential(id_)
        with self._lock:
            self._known[id_] = (found, now + KEPT_SECONDS)
            if len(self._known) > KEPT:
                self._known.popitem(last=False)
        return found

    def _spend(self, limit: RateLimitItem, who: str) -> None:
        if not self._limiter.hit(limit, who):
            raise Throttled("Too many requests.", retry_after=timedelta(seconds=1))


def _bearer(request: Request) -> str:
    given = request.headers.get("authorization", "")
    if given[: len(_BEARER)].lower() != _BEARER:
        raise Denied("This call needs a key.")
    return given[len(_BEARER) :].strip()
