"""The heartbeat to an outside monitor, as healthchecks.io and others take it.

Each minute one gateway calls the address of the settings while somebody works, and the address with
``/fail`` added to its path when nobody does. When no gateway runs, or none knows because the ledger
does not answer, nothing is called, and the monitor alerts after its own time of grace. The body is
JSON: the level and the codes of what is not well, and nothing else. When the monitor last answered
well is written to the ledger.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit, urlunsplit

import orjson

from broker.domain.health import Health
from broker.flow.context import Context
from broker.flow.health_watch import HealthWatch
from broker.policy.monitoring.health import somebody_works
from broker.telemetry import logger
from broker.transport.http import Answered, SafePost

EVERY = timedelta(minutes=1)
LEAD_FOR = timedelta(seconds=90)
"""After this another gateway calls, when the one that did has gone."""
_log = logger("outside monitor")


class OutsideMonitor:
    """Tells a monitor outside that somebody works; call ``ping`` once every ``EVERY``."""

    def __init__(self, context: Context, watch: HealthWatch, holder: str) -> None:
        self._context = context
        self._watch = watch
        self._holder = holder
        # The operator has chosen the address, so it may lie in the own network.
        self._post = SafePost(None, clock=context.clock, allow_private=True)

    def ping(self) -> bool | None:
        """Call the monitor; return what it was told, or None when it was told nothing.

        Raises Unavailable without the ledger.
        """
        context, url = self._context, self._context.settings.heartbeat_url
        if not url:
            return None
        now = context.clock()
        if not context.may_lead:
            return None
        if not context.ledger.sweep.hold_lead("heartbeat", self._holder, for_=LEAD_FOR, now=now):
            return None
        health = self._watch.health()
        works = somebody_works(health)
        if works is not None:
            self._call(url if works else failing(url), health)
        return works

    def _call(self, url: str, health: Health) -> None:
        body = orjson.dumps(
            {"level": health.level.word, "problems": [problem.code for problem in health.problems]}
        )
        context = self._context
        result = self._post.post(url, id_=str(context.new_id()), body=body)
        code, status = None, None
        if not isinstance(result, Answered):
            code = result.code
            _log.warning("monitor not reached", code=code)
        elif not 200 <= (status := result.status) < 300:
            code = "refused"
            _log.warning("monitor refused", status=status)
        context.ledger.health.write_ping(code=code, status=status, now=context.clock())


def failing(url: str) -> str:
    """Return the address that says that nobody works: ``/fail`` after the path."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/fail"))
