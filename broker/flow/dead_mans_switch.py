"""A dead man's switch: gateways raise the alarm when nobody routes, watches deadlines or alerts.

Workers send every other alert, so they cannot report their own death. Each gateway looks at the
beats of their lanes in the ledger. A lane whose beat has not changed for ``AFTER``, counted by the
gateway's own timer, has nobody in it; so no clock of any host decides. One outage runs at a time in
the ledger, and the gateway that begins it alerts ops: the notices are recorded, sent by the gateway
itself, and settled like all others. While the outage lasts the alarm is repeated, and when it ends
the same people are told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from broker.domain.outage import Outage
from broker.errors import PolicyError
from broker.flow import outage_notices
from broker.flow.context import Context
from broker.flow.notify import notify
from broker.flow.outage_notices import KINDS, REPEAT, STOPPED, WORKS
from broker.ledger.health import OutageStep
from broker.policy.language.directory import Organisation
from broker.policy.monitoring.health import VITAL_LANES
from broker.telemetry import logger, monotonic_seconds

EVERY = timedelta(seconds=5)
AFTER = timedelta(minutes=1)
"""For how long nobody must have worked in a lane."""
_log = logger("switch")


@dataclass(frozen=True, slots=True)
class _Seen:
    """The beat of a lane, and since when it stands."""

    beat: datetime | None
    since: float
    """By this process's timer."""
    moved: bool
    """Whether this process saw it change: the first look alone proves nothing."""


class DeadMansSwitch:
    """Looks whether anybody works; call ``look`` once every ``EVERY``."""

    def __init__(
        self, context: Context, *, monotonic: Callable[[], float] = monotonic_seconds
    ) -> None:
        self._context = context
        self._monotonic = monotonic
        self._seen: dict[str, _Seen] = {}

    def look(self) -> Sequence[str]:
        """Raise, repeat or end the alarm, and send its notices; return the lanes without anybody.

        Raises Unavailable without the ledger: then nobody knows whether another gateway has raised
        it, and it is for the outside monitor to notice.
        """
        health = self._context.ledger.health
        beats = health.beats(VITAL_LANES)
        missing, outage = self._missing(beats), health.running_outage()
        if missing:
            self._alarm(outage, missing, beats)
        elif outage and all(seen.moved for seen in self._seen.values()):
            self._end()
        if outage or missing:
            notify(self._context, kinds=KINDS)
        return missing

    def _missing(self, beats: Mapping[str, datetime | None]) -> list[str]:
        """Return the lanes whose beat has not changed for long enough."""
        now = self._monotonic()
        for lane, beat in beats.items():
            seen = self._seen.get(lane)
            if seen is None or seen.beat != beat:
                self._seen[lane] = _Seen(beat, now, moved=seen is not None)
        return [lane for lane in beats if now - self._seen[lane].since >= AFTER.total_seconds()]

    def _alarm(
        self,
        outage: Outage | None,
        missing: Sequence[str],
        beats: Mapping[str, datetime | None],
    ) -> None:
        context, now, ops = self._context, self._context.clock(), self._ops()
        with context.ledger.health.outage_step() as step:
            if outage is None:
                known = [beat for lane in missing if (beat := beats[lane])]
                began = min([now - AFTER, *known])
                alarm = step.begin_outage(context.new_id(), began=began, missing=missing, now=now)
            else:
                alarm = step.repeat_outage(missing=missing, before=now - REPEAT, now=now)
            if alarm:
                self._ask(step, STOPPED, alarm, ops, now)
        if alarm:
            _log.error("broker stopped", lane=",".join(missing), count=alarm.alarms)

    def _end(self) -> None:
        context, now, ops = self._context, self._context.clock(), self._ops()
        with context.ledger.health.outage_step() as step:
            outage = step.end_outage(now=now)
            if outage:
                self._ask(step, WORKS, outage, ops, now)
        if outage:
            _log.warning("broker works again", count=outage.alarms)

    def _ask(
        self,
        step: OutageStep,
        kind: str,
        outage: Outage,
        ops: Organisation | None,
        now: datetime,
    ) -> None:
        """Record whom to alert about an outage, and that it was asked for."""
        context, counts = self._context, step.risk_counts(now=now)
        notices = (
            outage_notices.notices(
                kind,
                outage,
                ops,
                is_set=context.notifiers.keys(),
                waiting=(counts.unrouted, counts.breached),
                new_id=context.new_id,
            )
            if ops
            else []
        )
        if not notices:
            _log.error("nobody to alert: the directory names no contact of ops")
        asked = [f"{notice.contact} by {notice.channel}" for notice in notices]
        data = {
            "outage": outage.id,
            "missing": outage.missing,
            "since": outage.began_at,
            "alarms": outage.alarms,
            "asked": asked,
        }
        step.write_outage_event(kind, ops.code if ops else None, data, now=now)
        step.add_notices(notices, now=now)

    def _ops(self) -> Organisation | None:
        try:
            return self._context.policies.latest().directory.ops
        except PolicyError:
            return None
