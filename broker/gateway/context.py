"""What every call has at hand: the broker, who is calling, and threads for the ledger."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import ParamSpec, TypeVar, cast
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request

from broker.domain.codes import Scope
from broker.errors import NotFound
from broker.flow.context import Context
from broker.gateway.authentication import Authentication, Caller
from broker.gateway.long_polls import Poller
from broker.intake.http import HttpIntake

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Gateway:
    """The parts of one gateway process."""

    context: Context
    authentication: Authentication
    commits: HttpIntake
    poller: Poller
    threads: CapacityLimiter

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do something that may wait for the ledger, without holding up anybody else."""
        return await to_thread.run_sync(partial(work, *args, **kwargs), limiter=self.threads)


def gateway(request: Request) -> Gateway:
    """Return the gateway that serves a request."""
    return cast("Gateway", request.app.state.gateway)


async def caller(request: Request, *scopes: Scope) -> Caller:
    """Return who calls, with one of these scopes.

    Raises Denied, Forbidden, Throttled, or Unavailable when the ledger is away.
    """
    here = gateway(request)
    door = here.authentication
    key = door.key(request)
    found, is_fresh = door.remembered(key.id)
    if not is_fresh:
        found = await here.run(door.look_up, key.id)
    admitted = door.admit(request, key, found, scopes)
    request.state.credential = admitted.credential
    return admitted


def identifier(request: Request) -> UUID:
    """Return the id in the address. Raises NotFound when it is none."""
    try:
        return UUID(request.path_params["id"])
    except ValueError:
        raise NotFound("There is nothing under this id.") from None
