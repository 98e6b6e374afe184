"""Police who recall referrals and ops who redirect what came back, often both at once.

A recall and a redirect of one referral are begun together, so that each may meet the other half
done; and what was recalled is redirected once more, as by a person who has not heard of it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from random import Random

from tests.faults import documents
from tests.faults.journal import HandedIn, Journal, Recalled, Redirected
from tests.faults.wire import Told, Wire

REST_SECONDS = 0.25
"""Between two looks at what came back; a few referrals a second are recalled."""
BOTH_SHARE = 0.6
"""Of what came back, how much is recalled while ops redirect it."""
RECALL_SHARE = 0.3
"""Of the rests, after how many any referral of late is recalled."""
OF_LATE = 40


class Recaller:
    """Recalls and redirects until it is stopped; then repeats what nobody has answered."""

    def __init__(
        self, publishers: Mapping[str, Wire], ops: Wire, dice: Random, journal: Journal
    ) -> None:
        self._publishers = publishers
        self._ops = ops
        self._dice = dice
        self._journal = journal
        self._unanswered: list[Callable[[], None]] = []
        self._seen = 0
        """How many answers of agencies were looked at."""
        self._stopping, self._ending = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._work, name="recalls", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing new."""
        self._stopping.set()

    def close(self) -> None:
        """Repeat nothing more."""
        self._ending.set()

    @property
    def unanswered(self) -> int:
        """How many recalls and redirects are still repeated, that nobody has answered for."""
        return max(1, len(self._unanswered)) if self._thread.is_alive() else 0

    def _work(self) -> None:
        while not self._stopping.wait(REST_SECONDS * self._dice.uniform(0.3, 1.7)):
            for delivery in self._came_back():
                self._settle(delivery)
            if self._dice.random() < RECALL_SHARE and (any_of_late := self._of_late()):
                self._recall(any_of_late)
            self._repeat()
        while self._unanswered and not self._ending.wait(0.1):
            self._repeat()

    def _came_back(self) -> list[str]:
        """Return the deliveries that were returned since the last look and belong to nobody."""
        answers = self._journal.answered[self._seen :]
        self._seen += len(answers)
        return [
            answer.delivery
            for answer in answers
            if answer.stage == "returned" and answer.area is None and answer.result == "recorded"
        ]

    def _of_late(self) -> HandedIn | None:
        known = [paper for paper in self._journal.handed_in[-OF_LATE:] if paper.receipt is not None]
        return self._dice.choice(known) if known else None

    def _settle(self, delivery: str) -> None:
        agency = self._dice.choice(list(documents.AGENCIES.values()))
        paper = self._paper_of(delivery)
        if paper is None or self._dice.random() > BOTH_SHARE:
            self._redirect(delivery, agency)
            return
        acts = [partial(self._redirect, delivery, agency), partial(self._recall, paper)]
        self._dice.shuffle(acts)
        threads = [threading.Thread(target=act) for act in acts]
        for thread in threads:
            thread.start()
            self._stopping.wait(self._dice.choice((0, 0, 0.005, 0.02)))
        for thread in threads:
            thread.join()
        self._redirect(delivery, agency)

    def _paper_of(self, delivery: str) -> HandedIn | None:
        """Return the receipt of the referral that a delivery is of."""
        ours = (offer for offer in reversed(self._journal.offered) if offer.delivery == delivery)
        offer = next(ours, None)
        referral = offer and offer.referral
        for paper in reversed(self._journal.handed_in):
            if paper.receipt is not None and paper.receipt["id"] == referral:
                return paper
        return None

    def _recall(self, paper: HandedIn) -> None:
        assert paper.receipt is not None
        referral, body = paper.receipt["id"], {"reason": "wrong_person", "by": "DS Farlow"}
        told = self._publishers[paper.publisher].post(f"/v1/referrals/{referral}/recall", body)
        made = Recalled(paper.publisher, referral, told.sent_at, told.told_at, told.status)
        self._journal.recalled.append(made)
        self._again(told, partial(self._recall, paper))

    def _redirect(self, delivery: str, agency: str) -> None:
        told = self._ops.post(f"/v1/deliveries/{delivery}/reroute", {"agency": agency})
        made = Redirected(delivery, agency, told.sent_at, told.told_at, told.status)
        self._journal.redirected.append(made)
        self._again(told, partial(self._redirect, delivery, agency))

    def _again(self, told: Told, act: Callable[[], None]) -> None:
        if told.again:
            self._unanswered.append(act)

    def _repeat(self) -> None:
        acts, self._unanswered = self._unanswered, []
        for act in acts:
            act()
