"""The demo's police: publishes the samples singly, and generated referrals in bulk."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from referral_broker_client import ClientError, Published, Publisher, Receipt
from referral_broker_client.publisher import Document

REPEATED = 10
"""How many referrals are published a second time, on purpose."""


@dataclass(slots=True)
class Submission:
    """Publishes in a thread of its own, while the demo shows the progress."""

    publisher: Publisher
    samples: Sequence[Document]
    generated: Sequence[Document]
    results: list[Published] = field(default_factory=list)
    """One for each distinct document."""
    repeats: list[tuple[Receipt, Receipt]] = field(default_factory=list)
    """The receipts of documents that were published twice."""
    error: ClientError | None = None
    _thread: threading.Thread | None = None

    @property
    def total(self) -> int:
        """How many documents there are to publish."""
        return len(self.samples) + len(self.generated)

    @property
    def accepted(self) -> int:
        """How many receipts there are."""
        return sum(result.receipt is not None for result in self.results)

    @property
    def is_done(self) -> bool:
        """Whether everything is published; raises the error that stopped it."""
        if self.error is not None:
            raise self.error
        return self._thread is not None and not self._thread.is_alive()

    def start(self) -> None:
        """Begin to publish."""
        self._thread = threading.Thread(target=self._run, name="submission", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._record(self._singly())
            self._record(self.publisher.publish_many(self.generated))
            self._repeat()
        except ClientError as error:
            self.error = error

    def _singly(self) -> Iterable[Published]:
        for sample in self.samples:
            try:
                yield Published(self.publisher.publish(sample), None)
            except ClientError as error:
                if error.problem is None:
                    raise
                yield Published(None, error.problem)

    def _record(self, results: Iterable[Published]) -> None:
        """Record the results; a document that the broker had already counts as a repeat."""
        for result in results:
            receipt = result.receipt
            if receipt is not None and receipt.duplicate:
                self.repeats.append((self._first(receipt), receipt))
            else:
                self.results.append(result)

    def _first(self, receipt: Receipt) -> Receipt:
        firsts = (result.receipt for result in self.results)
        return next(r for r in firsts if r is not None and r.reference == receipt.reference)

    def _repeat(self) -> None:
        """Publish some again, as a system does that did not get the answer."""
        results = self.results[-len(self.generated) :]
        accepted = [
            (document, result.receipt)
            for document, result in zip(self.generated, results, strict=True)
            if result.receipt is not None
        ][:REPEATED]
        again = self.publisher.publish_many([document for document, _ in accepted])
        for (_, first), second in zip(accepted, again, strict=True):
            if second.receipt is not None:
                self.repeats.append((first, second.receipt))
