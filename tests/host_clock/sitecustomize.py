"""Read at the start of each process whose host's clock is stepped by libfaketime.

Python sleeps until an instant of the timer that nobody sets; libfaketime 0.9.10 takes that for an
instant of the clock, and refuses it. Waiting for nothing sleeps as long, and is left alone.
"""

import select
import time


def _sleep(seconds: float) -> None:
    select.select([], [], [], seconds)


time.sleep = _sleep
