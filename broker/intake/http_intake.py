"""The HTTP intake: waiting requests of one gateway share a commit, one transaction at a time.

While a transaction runs, others arrive; together they are the next one. At a trickle the batch is
one, and no request waits for another.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import ClassVar, Self

from broker.domain.referral import (
    Accepted,
    NewReferral,
)
from broker.errors import ReferenceConflict, Unavailable
from broker.flow.accept import accept
from broker.flow.context import Context
from broker.heartbeats import Heartbeats, beat
from broker.intake.base import Intake, IntakeForm
from broker.time_limits import HEARTBEAT

Answers = list[Accepted | ReferenceConflict]
BATCH = 200
WAITING = 1000
"""Submissions that may wait; beyond it the gateway says that it is busy."""


@dataclass(frozen=True, slots=True)
class _Submission:
    referrals: Sequence[NewReferral]
    answers: Future[Answers] = field(default_factory=Future)


class HttpIntake(Intake):
    """Accepts the referrals of this gateway's requests in batches, in a thread of its own."""

    form: ClassVar = IntakeForm(
        name="http", summary="A publisher posts a referral, or many, to the gateway."
    )

    def __init__(self, context: Context, heartbeats: Heartbeats | None = None) -> None:
        self._context = context
        self._heartbeats = heartbeats or Heartbeats()
        self._waiting: queue.Queue[_Submission | None] = queue.Queue(WAITING)
        self._thread = threading.Thread(target=self._run, name="http intake", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, context: Context) -> Self:
        """Return the intake of one gateway."""
        return cls(context)

    def submit(self, referrals: Sequence[NewReferral]) -> Future[Answers]:
        """Have referrals accepted with the next commit.

        The future raises Unavailable when it is not known that they were. Raises Unavailable when
        too many wait already.
        """
        submission = _Submission(referrals)
        try:
            self._waiting.put_nowait(submission)
        except queue.Full:
            raise Unavailable("Too many referrals are being submitted at once.") from None
        return submission.answers

    def close(self) -> None:
        """Commit what waits, then stop."""
        self._waiting.put(None)
        self._thread.join(10)

    def _run(self) -> None:
        with self._heartbeats.of_this_thread(self._thread.name):
            self._take()

    def _take(self) -> None:
        while (first := self._next()) is not None:
            batch, more = self._gather(first)
            # A client that left before the commit has had no answer, and sends the same again.
            wanted = [
                waiting for waiting in batch if waiting.answers.set_running_or_notify_cancel()
            ]
            if wanted:
                self._commit(wanted)
            if not more:
                return

    def _next(self) -> _Submission | None:
        """Wait for a submission, with a heartbeat meanwhile; None at the end."""
        while True:
            beat()
            with suppress(queue.Empty):
                return self._waiting.get(timeout=HEARTBEAT)

    def _gather(self, first: _Submission) -> tuple[list[_Submission], bool]:
        """Return what waits already, up to a bound, and whether to go on afterwards."""
        batch, size = [first], len(first.referrals)
        with suppress(queue.Empty):
            while size < BATCH:
                another = self._waiting.get_nowait()
                if another is None:
                    return batch, False
                batch.append(another)
                size += len(another.referrals)
        return batch, True

    def _commit(self, batch: Sequence[_Submission]) -> None:
        try:
            answers = accept(
                self._context, [referral for sub in batch for referral in sub.referrals]
            )
        except Exception as error:
            self._fail(batch, error)
            return
        start = 0
        for submission in batch:
            end = start + len(submission.referrals)
            submission.answers.set_result(answers[start:end])
            start = end

    def _fail(self, batch: Sequence[_Submission], error: Exception) -> None:
        """Answer with the error; an unplanned one may be one submission's, and is tried alone."""
        if len(batch) > 1 and not isinstance(error, Unavailable):
            for submission in batch:
                self._commit([submission])
            return
        for submission in batch:
            submission.answers.set_exception(error)
