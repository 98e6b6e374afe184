"""What every handler uses: the parts of this gateway process, and the caller of a request."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import cast
from uuid import UUID

from starlette.requests import Request

from broker.domain.codes import Scope
from broker.errors import NotFound, PolicyError
from broker.flow.context import Context
from broker.flow.health_watch import HealthWatch
from broker.gateway.authentication import Authentication, Caller
from broker.gateway.long_polls import Poller
from broker.gateway.readiness import Readiness
from broker.gateway.request_metrics import RequestMetrics
from broker.gateway.shares import Share, Shares
from broker.heartbeats import Watchdog
from broker.intake.http_intake import HttpIntake
from broker.policy.language.directory import Directory
from broker.threads import SPENDER, Threaded


@dataclass(frozen=True, slots=True)
class Gateway(Threaded):
    """The parts of one gateway process."""

    context: Context
    authentication: Authentication
    commits: HttpIntake
    shares: Shares
    poller: Poller
    watchdog: Watchdog
    readiness: Readiness
    health: HealthWatch
    requests: RequestMetrics


def gateway_of(request: Request) -> Gateway:
    """Return the gateway that serves a request."""
    return cast("Gateway", request.app.state.gateway)


def caller_of(request: Request) -> Caller:
    """Return the caller that was admitted; only calls with scopes in the table have one."""
    return cast("Caller", request.state.caller)


def share_of(request: Request) -> Share:
    """Return what the call of an admitted caller uses."""
    return cast("Share", request.state.share)


async def admit(request: Request, scopes: Collection[Scope]) -> None:
    """Check the key of a request and note its caller.

    Raises Denied, Forbidden, Throttled, or Unavailable when the ledger does not answer.
    """
    gateway = gateway_of(request)
    authentication = gateway.authentication
    key = authentication.key(request)
    credential, is_fresh = authentication.remembered(key.id)
    if not is_fresh:
        credential = await authentication.look_up(request, key.id)
    caller = authentication.admit(request, key, credential, scopes)
    SPENDER.set(caller.credential)
    request.state.caller = caller
    request.state.credential = caller.credential


async def directory_in_force(gateway: Gateway) -> Directory | None:
    """Return the directory; None before the first policy is published."""
    try:
        policy = await gateway.run(gateway.context.policies.latest)
    except PolicyError:
        return None
    return policy.directory


def identifier(request: Request) -> UUID:
    """Return the id in the address. Raises NotFound when it is not an id."""
    try:
        return UUID(request.path_params["id"])
    except ValueError:
        raise NotFound("Nothing has this ID.") from None
