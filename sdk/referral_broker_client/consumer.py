"""The agency side over HTTP: take what is due, worst deadline first, and answer it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from uuid import UUID

from referral_broker_client.delivery import Answer, Delivery, Settled
from referral_broker_client.errors import Unavailable, Unexpected
from referral_broker_client.intake import Intake
from referral_broker_client.keeper import LARGEST_BATCH, PAUSE_SECONDS, Keeper, send
from referral_broker_client.wire import Json, Wire

log = logging.getLogger("referral_broker_client")


class Consumer(Intake):
    """Your agency's queue: ``for delivery in consumer: with delivery: ...``.

    ``batch``: how many deliveries to take at a time (1 to 100). ``wait``: how many seconds the
    gateway may hold a request until there is something (0 to 30); with 0 the loop ends when the
    queue is empty. ``by``: who acknowledges here, such as the desk on duty. A gateway that is away
    is waited for, unless ``wait`` is 0.
    """

    def __init__(self, url: str, key: str, *, by: str, batch: int = 20, wait: float = 20) -> None:
        super().__init__(wait=wait)
        self._wire = Wire(url, key)
        self._keeper = Keeper(self._wire)
        self._batch = batch
        self._by = by

    def close(self) -> None:
        """Send the answers that still wait and release the rest.

        Raises ``Unavailable`` when the gateway is away: what it has not heard of is offered again.
        """
        try:
            self._keeper.close()
        finally:
            self._wire.close()

    def answer(self, *answers: Answer) -> list[Settled]:
        """Send answers now, such as a person's of days later; one result each, in order."""
        return [
            settled
            for start in range(0, len(answers), LARGEST_BATCH)
            for settled in send(self._wire, answers[start : start + LARGEST_BATCH])
        ]

    def delivery(self, delivery: str | UUID) -> Delivery:
        """Look one of your own deliveries up again; it comes without a lease."""
        return self._read(self._wire.get(f"/v1/deliveries/{delivery}").json())

    def queue(self) -> Json:
        """Return counts and oldest instants of your own queue."""
        value: Json = self._wire.get("/v1/queue").json()
        return value

    def _poll(self) -> Sequence[Delivery]:
        try:
            request = {"max": self._batch, "wait": self._wait}
            reply = self._wire.post("/v1/collect", request, wait=self._wait)
        except Unavailable:
            if not self._wait:
                raise
            log.warning("gateway away: asking again in %g s", PAUSE_SECONDS)
            self._stopping.wait(PAUSE_SECONDS)
            return ()
        taken = [self._read(value) for value in reply.json()["deliveries"]]
        self._keeper.hold(taken, answered_at=reply.answered_at)
        return taken

    def _release(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            self._keeper.release(delivery)

    def _read(self, value: Json) -> Delivery:
        try:
            return Delivery.from_json(value, counter=self._keeper, by=self._by)
        except ValueError:
            raise Unexpected("The gateway's delivery lacks something that it must have.") from None
