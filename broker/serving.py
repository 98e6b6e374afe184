"""All that is served over HTTP: the API, the pages for ops, for agencies and for publishers."""

from __future__ import annotations

from starlette.applications import Starlette

from broker.dashboard import app as dashboard
from broker.flow.context import Context
from broker.flow.health_watch import HealthWatch
from broker.gateway import app as gateway
from broker.inbox import app as inbox
from broker.referral_form import app as referral_form


def build(context: Context, *, health: HealthWatch | None = None) -> Starlette:
    """Return the ASGI application over a broker."""
    health = health or HealthWatch(context)
    pages = dashboard.mount(context, health)
    app = gateway.build(
        context,
        beside=[*pages, *referral_form.mount(context), *inbox.mount(context)],
        running=dashboard.running(pages),
        health=health,
    )
    app.state.pages = pages
    return app


async def end_waits(app: Starlette) -> None:
    """Answer at once whatever waits for something to happen: long polls and live pages."""
    app.state.gateway.poller.end_waits()
    await dashboard.end_streams(app.state.pages)
