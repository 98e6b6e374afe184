"""Police systems under load: they hand in, give up, repeat, contradict themselves and look on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any
from urllib.parse import quote

from tests.faults import documents
from tests.faults.journal import Fed, HandedIn, Journal, Shown
from tests.faults.wire import Told, Wire

REST_SECONDS = 0.06
"""Between two actions; with three publishers some 40 referrals a second are handed in."""
IMPATIENT_SECONDS = 0.02
"""Shorter than a commit often takes: the answer is lost, the referral is not."""
MOST_LINES = 20
"""Of a bulk."""
MOST_UNANSWERED = 150
"""Referrals of one publisher; beyond it, nothing new is handed in.

A gateway that is away refuses within a millisecond: without a bound the wave of repetitions would
be as long as the machine is quick, and take minutes to be worked off.
"""


@dataclass(frozen=True, slots=True)
class Paper:
    """One document that a publisher handed in, to be repeated until it is answered."""

    reference: str
    variant: str
    areas: tuple[str, ...]
    value: dict[str, Any]
    key: str | None = None


class Publisher:
    """One police system: a thread that hands in, and one that reads the feed."""

    def __init__(self, code: str, wire: Wire, dice: Random, journal: Journal, run: str) -> None:
        self.code = code
        self._wire = wire
        self._dice = dice
        self._journal = journal
        self._run_name = run
        self._numbers = 0
        self._papers: list[Paper] = []
        self._unanswered: list[Paper] = []
        self._stopping, self._ending = threading.Event(), threading.Event()
        self._threads = [
            threading.Thread(target=self._hand_in_for_ever, name=f"{code} hands in", daemon=True),
            threading.Thread(target=self._read_on, name=f"{code} reads", daemon=True),
        ]
        self._cursor = ""

    @property
    def wire(self) -> Wire:
        return self._wire

    @property
    def cursor(self) -> str:
        return self._cursor

    @property
    def papers(self) -> list[Paper]:
        """What there are receipts for."""
        return self._papers

    def hand_in(self, paper: Paper) -> HandedIn:
        """Hand in what was handed in before."""
        return self._hand_in(paper)

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Hand in nothing new."""
        self._stopping.set()

    @property
    def unanswered(self) -> int:
        """How many hand-ins are still repeated, of those that nobody has answered for."""
        return max(1, len(self._unanswered)) if self._threads[0].is_alive() else 0

    def close(self, seconds: float) -> None:
        """Repeat nothing more, read the feed to its end within so many seconds, and stop."""
        self._ending.set()
        for thread in self._threads:
            thread.join(seconds)

    def look(self, most: int) -> None:
        """Ask where some of the referrals stand that there are receipts for."""
        known = [
            paper.receipt["id"]
            for paper in self._journal.handed_in
            if paper.publisher == self.code and paper.receipt is not None
        ]
        for referral in self._dice.sample(known, min(most, len(known))):
            told = self._wire.get(f"/v1/referrals/{referral}")
            shown = Shown(self.code, referral, told.sent_at, told.status, told.value)
            self._journal.shown.append(shown)

    def hand_in_one(self) -> HandedIn:
        """Hand in one plain referral and return what was said; for the calm before the faults."""
        return self._hand_in(self._new_paper())

    def is_routed(self, referral: str) -> bool:
        told = self._wire.get(f"/v1/referrals/{referral}")
        return told.status == 200 and told.value["state"] != "accepted"

    def act(self) -> None:
        """Hand in something, unless too much is unanswered; repeat some of what is."""
        actions: dict[Callable[[], None], int] = {
            self._single: 50,
            self._bulk: 12,
            self._impatient: 12,
            self._repeat: 12,
            self._contradict: 6,
            self._keyed: 4,
            self._faulty: 3,
            self._prohibited: 1,
        }
        (action,) = self._dice.choices(list(actions), list(actions.values()))
        if len(self._unanswered) < MOST_UNANSWERED:
            action()
        self._retry(self._unanswered[:3])

    def _hand_in_for_ever(self) -> None:
        while not self._stopping.wait(REST_SECONDS * self._dice.uniform(0.3, 1.7)):
            self.act()
        while self._unanswered and not self._ending.is_set():
            self._retry(list(self._unanswered))
            self._ending.wait(0.1)

    def _single(self) -> None:
        self._hand_in(self._new_paper())

    def _bulk(self) -> None:
        papers = [self._new_paper() for _ in range(self._dice.randint(2, MOST_LINES))]
        told = self._wire.post_lines("/v1/referrals/bulk", [paper.value for paper in papers])
        lines = told.value if told.status == 200 else [{}] * len(papers)
        for paper, line in zip(papers, lines, strict=True):
            self._note(paper, told, line.get("status", told.status), line.get("receipt"))

    def _impatient(self) -> None:
        self._hand_in(self._new_paper(), patience=IMPATIENT_SECONDS)

    def _repeat(self) -> None:
        if self._papers:
            self._hand_in(self._dice.choice(self._papers))

    def _contradict(self) -> None:
        if self._papers:
            before = self._dice.choice(self._papers)
            self._hand_in(self._paper(before.reference, "c", before.areas))

    def _keyed(self) -> None:
        """Use an idempotency key, then the same one for something else."""
        first, second = self._new_paper(), self._new_paper()
        key = f"key-{first.reference}"
        for paper in (first, second):
            keyed = Paper(paper.reference, paper.variant, paper.areas, paper.value, key)
            self._hand_in(keyed)

    def _faulty(self) -> None:
        """Hand in what will be rejected; then the corrected one, until it is accepted or not."""
        wrong = self._new_paper("x")
        wrong = Paper(wrong.reference, wrong.variant, wrong.areas, documents.faulty(wrong.value))
        if self._hand_in(wrong).status == 202:
            self._stopping.wait(0.5)
            self._hand_in(self._paper(wrong.reference, "n", wrong.areas))

    def _prohibited(self) -> None:
        bad = self._new_paper("p")
        self._hand_in(Paper(bad.reference, bad.variant, bad.areas, documents.prohibited(bad.value)))

    def _retry(self, papers: list[Paper]) -> None:
        for paper in papers:
            if self._ending.is_set():
                return
            self._unanswered.remove(paper)
            self._hand_in(paper)

    def _hand_in(self, paper: Paper, *, patience: float = 20.0) -> HandedIn:
        headers = {"Idempotency-Key": paper.key} if paper.key else {}
        told = self._wire.post("/v1/referrals", paper.value, patience=patience, headers=headers)
        return self._note(paper, told, told.status, told.value if told.status == 202 else None)

    def _note(
        self, paper: Paper, told: Told, status: int | None, receipt: dict[str, Any] | None
    ) -> HandedIn:
        handed = HandedIn(
            self.code,
            paper.reference,
            paper.variant,
            paper.areas,
            told.sent_at,
            told.told_at,
            status,
            receipt,
        )
        self._journal.handed_in.append(handed)
        if told.again:
            self._unanswered.append(paper)
        elif receipt is not None and not receipt["duplicate"]:
            self._papers.append(paper)
        return handed

    def _new_paper(self, kind: str = "n") -> Paper:
        self._numbers += 1
        reference = f"{self._run_name}/{self.code}/{self._numbers}"
        return self._paper(reference, kind, documents.areas(self._dice))

    def _paper(self, reference: str, kind: str, areas: tuple[str, ...]) -> Paper:
        self._numbers += 1
        variant = f"{kind}-{self._numbers}"
        made = documents.document(reference, variant, areas, self._dice)
        return Paper(reference, variant, areas, made)

    def _read_on(self) -> None:
        """Follow the feed; what was not answered is asked again from the same cursor."""
        while True:
            ending = self._ending.is_set()
            told = self._wire.get(f"/v1/events?limit=500&after={quote(self._cursor)}")
            if told.status == 200:
                self._take(told.value)
            elif told.status == 410:
                self._cursor = told.value["read_on"]
            if ending and told.status == 200 and not told.value["events"]:
                return
            self._ending.wait(0 if ending else 0.3)

    def _take(self, page: dict[str, Any]) -> None:
        self._cursor = page["next"]
        for event in page["events"]:
            fed = Fed(
                self.code, event["cursor"], event["kind"], event["referral"], event["delivery"]
            )
            self._journal.fed.append(fed)
