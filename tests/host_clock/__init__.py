"""Processes whose host's clock is wrong: libfaketime (Debian's package faketime) moves it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

# The variant for threads holds a lock around each reading, which a fork may copy locked.
_LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
IS_INSTALLED = bool(_LIBRARIES)


def environment(file: Path, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return what a process needs in its environment; ``file`` steps its clock at any time.

    Timers go on as they are, as when somebody sets the clock of a host. Without libfaketime the
    clock stays right.
    """
    if not IS_INSTALLED:
        return {}
    folders = (str(Path(__file__).parent), environ.get("PYTHONPATH", ""))
    return {
        "LD_PRELOAD": str(_LIBRARIES[0]),
        "FAKETIME_TIMESTAMP_FILE": str(file),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        # Otherwise each wait for the interpreter's lock ends at once, and is begun again.
        "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        "FAKETIME_CACHE_DURATION": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, folders)),
    }


def set_clock(file: Path, ahead: float) -> None:
    """Let the clock of a host be ahead by so many seconds; it shows within a second."""
    fresh = file.with_name(f"{file.name}.new")
    fresh.write_text(f"{ahead:+f}\n")
    fresh.rename(file)
