"""Authentication: the key of a request, its scopes, and how often it may call."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from limits import RateLimitItem, RateLimitItemPerSecond
from starlette.requests import Request

from broker.admin.api_keys import Key
from broker.domain.actor import of_key
from broker.domain.codes import Scope
from broker.domain.credential import Credential
from broker.domain.ids import CredentialId, OrganisationCode
from broker.errors import Denied, Throttled
from broker.flow.context import Context
from broker.gateway import bounds
from broker.gateway.addresses import neighbourhood
from broker.gateway.call_rates import CallRates
from broker.gateway.problems import Forbidden
from broker.threads import SPENDER, FairThreads, in_thread

CACHE_SECONDS = 5.0
"""A revoked key works at most so long in a gateway that has just used it."""
CACHE_SIZE = 10_000
UNKNOWN_SIZE = 1_000
LOOK_UPS = 2
"""Keys that are looked up at the same time, for each address in turn."""
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
        return of_key(self.credential)

    def acting_for(self, name: str | None) -> str:
        """Return how the history names the caller with the person whom they name, if they do."""
        return of_key(self.credential, name)

    @property
    def sees(self) -> OrganisationCode | None:
        """The organisation whose referrals the caller may see; None means every organisation."""
        return None if Scope.OPS in self.scopes else self.organisation


class Authentication:
    """Looks keys up and caches them for a few seconds.

    Used by the event loop; ``note_use`` alone may be called from any thread.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._known: OrderedDict[CredentialId, tuple[Credential, float]] = OrderedDict()
        self._unknown: OrderedDict[CredentialId, float] = OrderedDict()
        self._used: set[CredentialId] = set()
        self._limiter = CallRates()
        self._per_key: dict[int, RateLimitItem] = {}
        self._failures = RateLimitItemPerSecond(bounds.FAILURES_A_SECOND)
        self._threads = FairThreads(LOOK_UPS, LOOK_UPS)
        self._looking: dict[CredentialId, asyncio.Task[Credential | None]] = {}
        self._strangers: Counter[str] = Counter()

    def key(self, request: Request) -> Key:
        """Return the key of a request. Raises Denied, or Throttled after many failures."""
        try:
            return Key.parse(_bearer(request))
        except Denied:
            self._spend(self._failures, address_of(request))
            raise

    def remembered(self, id_: CredentialId) -> tuple[Credential | None, bool]:
        """Return the cached credential of a key, and whether it is fresh enough to use."""
        now = time.monotonic()
        credential, until = self._known.get(id_, (None, 0.0))
        return credential, now < until or now < self._unknown.get(id_, 0.0)

    async def look_up(self, request: Request, id_: CredentialId) -> Credential | None:
        """Read a key from the ledger, once for all who ask meanwhile, and cache it.

        The ledger is not asked for a key that was never seen while its caller's address has failed
        too often. Raises Throttled and Unavailable.
        """
        looking = self._looking.get(id_)
        if looking is None:
            address = address_of(request)
            if id_ not in self._known:
                self._check_stranger(address)
            looking = asyncio.create_task(self._look(id_, address))
            self._looking[id_] = looking
            looking.add_done_callback(lambda task: self._looked(id_, task))
        return await asyncio.shield(looking)

    def admit(
        self, request: Request, key: Key, credential: Credential | None, scopes: Collection[Scope]
    ) -> Caller:
        """Return the caller, who has one of these scopes. Raises Denied, Forbidden or Throttled."""
        if credential is None or not key.opens(credential, self._context.clock()):
            self._spend(self._failures, address_of(request))
            raise Denied("This key is unknown, wrong, expired or revoked.")
        self._spend(self._limit_of(credential), credential.id)
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

    def _check_stranger(self, address: str) -> None:
        """Raise Throttled if an address may have no more keys looked up that were never seen."""
        if not self._limiter.test(self._failures, address, cost=1 + self._strangers[address]):
            raise _throttled()

    async def _look(self, id_: CredentialId, address: str) -> Credential | None:
        SPENDER.set(address)
        began = time.monotonic()
        self._strangers[address] += 1
        try:
            read = partial(self._context.ledger.credentials.credential, id_)
            credential = await in_thread(read, self._threads)
        finally:
            self._strangers[address] -= 1
            if not self._strangers[address]:
                del self._strangers[address]
        self._cache(id_, credential, began + CACHE_SECONDS)
        return credential

    def _cache(self, id_: CredentialId, credential: Credential | None, until: float) -> None:
        """Keep what was read; keys that there are not take no place from those that there are."""
        if credential is None:
            self._known.pop(id_, None)
            self._unknown[id_] = until
        else:
            self._known[id_] = (credential, until)
            self._unknown.pop(id_, None)
        if len(self._known) > CACHE_SIZE:
            self._known.popitem(last=False)
        if len(self._unknown) > UNKNOWN_SIZE:
            self._unknown.popitem(last=False)

    def _looked(self, id_: CredentialId, task: asyncio.Task[Credential | None]) -> None:
        self._looking.pop(id_, None)
        if not task.cancelled():
            task.exception()  # nobody may be left who waits for it

    def _limit_of(self, credential: Credential) -> RateLimitItem:
        """Return how often a key may call, one object for all keys with the same limit."""
        calls = credential.calls_per_second or bounds.CALLS_A_SECOND_EACH
        limit = self._per_key.get(calls)
        if limit is None:
            limit = self._per_key[calls] = RateLimitItemPerSecond(calls)
        return limit

    def _spend(self, limit: RateLimitItem, spender: str) -> None:
        if not self._limiter.hit(limit, spender):
            raise _throttled()


def address_of(request: Request) -> str:
    """Return what counts as one caller where there is no key."""
    return neighbourhood(request.client.host) if request.client else "nobody"


def _bearer(request: Request) -> str:
    headers = request.headers.getlist("authorization")
    if len(headers) > 1:
        raise Denied("Send the header Authorization once.")
    header = headers[0] if headers else ""
    if header[: len(_BEARER)].lower() != _BEARER:
        raise Denied("This call needs a key.")
    return header[len(_BEARER) :].strip()


def _throttled() -> Throttled:
    return Throttled("Too many requests.", retry_after=timedelta(seconds=1))
