"""The one clock that decides: the ledger's, read without asking the ledger each time.

Every instant that another process compares (due, lease, lead, alarm, accepted) comes from here: a
timer of this host that nobody can set, plus its distance from PostgreSQL's clock, which is measured
again every few seconds. The clock of the host itself decides nothing. How far it is from the
ledger's is measured all the same, and reported: a host whose clock is wrong has other faults.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from broker import telemetry
from broker.errors import BrokerError, ClockApart

MEASURE_SECONDS = 5.0
"""Between two measurements."""
RETRY_SECONDS = 1.0
"""Between two attempts while the ledger has not answered yet."""
REPORT_SECONDS = 15.0
"""Between two reports of the difference to the ledger; a change of state is reported at once."""
SAMPLES = 2
"""Readings in a measurement: the first may wait for a connection."""
DRIFT = 500e-6
"""How fast a timer of a host may be wrong: the most that the kernel corrects (500 ppm)."""
_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_log = telemetry.logger("clock")


def steady_seconds() -> float:
    """Return a timer that no setting of the clock moves, and that counts a suspended host."""
    return time.clock_gettime(_STEADY)


@dataclass(frozen=True, slots=True)
class Difference:
    """How far a host's clock is from the ledger's, in seconds."""

    seconds: float
    """Positive where the host's clock is ahead."""
    uncertainty: float
    """Half of the round trip in which it was measured, and what the timer may have drifted."""
    bound: float
    """Beyond it a process neither leads nor accepts."""

    @property
    def is_apart(self) -> bool:
        """Whether the clocks are certainly further apart than the bound."""
        return self.exceeds(self.bound)

    def exceeds(self, seconds: float) -> bool:
        """Return whether the clocks are certainly further apart than so many seconds."""
        return abs(self.seconds) - self.uncertainty > seconds

    @property
    def description(self) -> str:
        """The difference in words, with the bound."""
        way = "ahead of" if self.seconds > 0 else "behind"
        return f"{abs(self.seconds):.1f} s {way} the ledger's clock; the bound is {self.bound:g} s"


@dataclass(frozen=True, slots=True)
class _Measurement:
    """The ledger's time is ``epoch`` seconds ahead of the steady timer, give or take."""

    epoch: float
    uncertainty: float
    at: float
    """When it was made, by the steady timer."""

    def uncertainty_at(self, steady: float) -> float:
        return self.uncertainty + DRIFT * max(0.0, steady - self.at)


class LedgerClock:
    """Gives the ledger's time. May be used from any thread; a reading costs no query.

    Before the first measurement it gives the host's time, and ``check`` refuses.
    """

    def __init__(
        self,
        read: Callable[[], datetime],
        *,
        bound: timedelta,
        report: Callable[[Difference], None] | None = None,
        host: Callable[[], float] = time.time,
        steady: Callable[[], float] = steady_seconds,
    ) -> None:
        """``read`` gives the time by PostgreSQL's clock; ``report`` is told the difference.

        ``host`` and ``steady`` are the clocks of this host, in seconds.
        """
        self._read = read
        self._bound = bound.total_seconds()
        self._report = report
        self._host = host
        self._steady = steady
        self._measured: _Measurement | None = None
        self._epoch = host() - steady()
        self._was_apart: bool | None = None
        self._report_at = 0.0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="ledger clock", daemon=True)

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(self._epoch + self._steady(), UTC)

    @property
    def difference(self) -> Difference | None:
        """How far the host's clock is from the ledger's at present; None before it is known.

        A step of the host's clock shows at once, one of the ledger's with the next measurement.
        """
        measured = self._measured
        if measured is None:
            return None
        steady = self._steady()
        return Difference(
            self._host() - steady - measured.epoch, measured.uncertainty_at(steady), self._bound
        )

    @property
    def is_usable(self) -> bool:
        """Whether this process may lead and accept."""
        difference = self.difference
        return difference is not None and not difference.is_apart

    def check(self) -> None:
        """Raise ClockApart when this process may not lead or accept."""
        difference = self.difference
        if difference is None:
            raise ClockApart("The clock of this process was not compared with the ledger's yet.")
        if difference.is_apart:
            raise ClockApart(f"The clock of this process is {difference.description}.")

    @property
    def correction(self) -> timedelta:
        """What to add to an instant of the host's clock, where that is more than a second."""
        seconds = self._epoch + self._steady() - self._host()
        return timedelta(seconds=seconds) if abs(seconds) > 1 else timedelta()

    def measure(self) -> None:
        """Compare with the ledger's clock. Raises Unavailable, and the last measurement stays."""
        best = min((self._sample() for _ in range(SAMPLES)), key=lambda sample: sample.uncertainty)
        if self._is_better(best):
            self._measured, self._epoch = best, best.epoch

    def start(self) -> None:
        """Measure, and go on measuring in a thread until ``close``."""
        self._look()
        self._thread.start()

    def close(self) -> None:
        """Stop measuring. The clock goes on."""
        self._stopping.set()

    def _sample(self) -> _Measurement:
        before = self._steady()
        at = self._read().timestamp()
        after = self._steady()
        half = (after - before) / 2
        return _Measurement(at - before - half, half, after)

    def _is_better(self, new: _Measurement) -> bool:
        """Keep a measurement that is more exact, unless the new one contradicts it."""
        old = self._measured
        if old is None:
            return True
        uncertainty = old.uncertainty_at(new.at)
        contradicts = abs(new.epoch - old.epoch) > new.uncertainty + uncertainty
        return contradicts or new.uncertainty <= uncertainty

    def _run(self) -> None:
        while not self._stopping.wait(MEASURE_SECONDS if self._measured else RETRY_SECONDS):
            self._look()

    def _look(self) -> None:
        """Measure and report; without the ledger the last measurement goes on being used."""
        try:
            self.measure()
            self._tell()
        except BrokerError as error:
            _log.debug("clocks not compared", **telemetry.error_fields(error))
        except Exception as error:
            _log.error("clocks not compared", **telemetry.error_fields(error))

    def _log(self, difference: Difference) -> None:
        seconds = round(difference.seconds, 3)
        if difference.is_apart:
            _log.error("clock apart from the ledger's", seconds=seconds)
        elif self._was_apart:
            _log.warning("clock near the ledger's again", seconds=seconds)
        else:
            _log.info("clock compared with the ledger's", seconds=seconds)

    def _tell(self) -> None:
        difference = self.difference
        if difference is None:
            return
        changed = difference.is_apart is not self._was_apart
        if changed:
            self._log(difference)
        self._was_apart = difference.is_apart
        if self._report and (changed or self._steady() >= self._report_at):
            self._report(difference)
            self._report_at = self._steady() + REPORT_SECONDS
