"""What clients were told, and nothing else: the evidence that the checker goes by.

Times are seconds of this machine's monotonic clock, except where a name says ``due``.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KEPT = (
    *("handed_in", "offered", "answered", "destroyed", "recalled", "redirected"),
    *("shown", "fed", "called", "struck"),
)
"""What is kept of a run for whoever looks into a finding."""


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A publisher handed in one document; ``status`` None: nobody answered."""

    publisher: str
    reference: str
    variant: str
    """Names the content: two documents under one reference have two variants."""
    areas: tuple[str, ...]
    sent_at: float
    told_at: float
    status: int | None
    receipt: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Offered:
    """An agency got a delivery, from its mailbox or its queue."""

    agency: str
    delivery: str
    referral: str
    reference: str
    publisher: str
    variant: str
    areas: tuple[str, ...]
    """Where the children in the content live."""
    attempt: int
    lease: str
    deadlines: dict[str, str | None]
    asked_at: float
    told_at: float
    by: str
    """``mailbox`` or ``queue``."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An agency gave a receipt; ``result`` None: nobody said what became of it."""

    agency: str
    delivery: str
    stage: str
    outcome: str | None
    area: str | None
    """With a return: where it belongs."""
    lease: str | None
    sent_at: float
    told_at: float
    result: str | None


@dataclass(frozen=True, slots=True)
class Destroyed:
    """An agency was asked to destroy what it had of a referral."""

    agency: str
    referral: str
    delivery: str
    told_at: float


@dataclass(frozen=True, slots=True)
class Recalled:
    """A publisher recalled a referral; ``status`` None: nobody answered."""

    publisher: str
    referral: str
    sent_at: float
    told_at: float
    status: int | None


@dataclass(frozen=True, slots=True)
class Redirected:
    """Ops sent a returned delivery to another agency; ``status`` None: nobody answered."""

    delivery: str
    agency: str
    sent_at: float
    told_at: float
    status: int | None


@dataclass(frozen=True, slots=True)
class Shown:
    """A publisher asked where a referral stands; ``status`` None: nobody answered."""

    publisher: str
    referral: str
    asked_at: float
    status: int | None
    value: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Fed:
    """One event of a publisher's feed, in the order in which it came."""

    publisher: str
    cursor: str
    kind: str
    referral: str
    delivery: str | None


@dataclass(frozen=True, slots=True)
class Called:
    """How long one call took, whatever it was."""

    who: str
    path: str
    sent_at: float
    seconds: float
    patience: float
    status: int | None


@dataclass(frozen=True, slots=True)
class Struck:
    """A fault struck; ``note`` says whom, or why it missed."""

    name: str
    began_at: float
    ended_at: float
    note: str


@dataclass(frozen=True, slots=True)
class Flooded:
    """One key made calls without a pause; ``answers`` counts what it was told, by status."""

    kind: str
    seconds: float
    answers: dict[str, int]


@dataclass(frozen=True, slots=True)
class Stopped:
    """All workers were away; None: it had not come when nobody waited for it any more."""

    told_after: float | None
    """Seconds until the mail server had the alarm."""
    over_after: float | None
    """Seconds from the workers' return until the outage was over."""


@dataclass
class Journal:
    """Grows from many threads; read when they have ended."""

    handed_in: list[HandedIn] = field(default_factory=list)
    offered: list[Offered] = field(default_factory=list)
    answered: list[Answered] = field(default_factory=list)
    destroyed: list[Destroyed] = field(default_factory=list)
    recalled: list[Recalled] = field(default_factory=list)
    redirected: list[Redirected] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    fed: list[Fed] = field(default_factory=list)
    called: list[Called] = field(default_factory=list)
    struck: list[Struck] = field(default_factory=list)
    policies: list[str] = field(default_factory=list)
    """Every version that was ever in force."""
    lags: list[float] = field(default_factory=list)
    """In the calm at the start: seconds from a receipt until the referral was routed."""
    undrained: list[str] = field(default_factory=list)
    """What had not come to rest when its time was up."""
    crowding: float = 1.0
    """How many processes wanted each processor of this machine; bounds in time are so much longer.
    """
    ends: list[str] = field(default_factory=list)
    """Which processes ended though nobody killed them or asked them to."""
    mails: list[str] = field(default_factory=list)
    """The ids of the notices that the mail server was given."""
    floods: list[Flooded] = field(default_factory=list)
    outages: list[Stopped] = field(default_factory=list)
    deadlocks: int = 0
    """How often PostgreSQL had to end one of two transactions that waited for each other."""
    drained_after: float = 0.0
    """Seconds from the end of the last fault until everything had come to rest."""

    def write(self, folder: Path) -> None:
        """Keep it all as lines of JSON, one file a kind, for whoever looks into a finding."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in KEPT:
            lines = [json.dumps(dataclasses.asdict(entry)) for entry in getattr(self, name)]
            (folder / f"{name}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
