"""The agency side over HTTP: collects deliveries, earliest deadline first, and answers them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from referral_broker_client.delivery import Answer, Delivery, Settled
from referral_broker_client.errors import ClientError, Unavailable, Unexpected
from referral_broker_client.http_client import HttpClient, Json
from referral_broker_client.lease_keeper import LARGEST_BATCH, PAUSE_SECONDS, LeaseKeeper, send
from referral_broker_client.work_loop import WorkLoop

log = logging.getLogger("referral_broker_client")


class Consumer(WorkLoop):
    """Your agency's queue: ``for delivery in consumer: with delivery: ...``.

    ``batch``: how many deliveries to take at a time (1 to 100). ``wait``: how many seconds the
    gateway may hold a request until there is something (0 to 30); with 0 the loop ends when the
    queue is empty. ``by``: the name under which your software collects, such as the intake; a
    person is named in ``delivery.acknowledge(by=…)``. When the gateway
    does not respond, or not as it should, the loop retries, unless ``wait`` is 0. It ends by itself
    only for what you must change: a key that is denied (``Denied``) or a request (``Invalid``).
    """

    def __init__(self, url: str, key: str, *, by: str, batch: int = 20, wait: float = 20) -> None:
        super().__init__(wait=wait)
        self._http = HttpClient(url, key)
        self._lease_keeper = LeaseKeeper(self._http)
        self._batch = batch
        self._by = by

    def close(self) -> None:
        """Send the answers that still wait and release the rest.

        Raises ``Unavailable`` when the gateway cannot be reached. It then offers the deliveries
        again whose answers did not arrive.
        """
        try:
            self._lease_keeper.close()
        finally:
            self._http.close()

    def answer(self, *answers: Answer) -> list[Settled]:
        """Send answers now, such as a person's decision days later. Returns one result for each."""
        return [
            settled
            for start in range(0, len(answers), LARGEST_BATCH)
            for settled in send(self._http, answers[start : start + LARGEST_BATCH])
        ]

    def delivery(self, delivery: str | UUID) -> Delivery:
        """Return one of your own deliveries; it comes without a lease."""
        return self._read(self._http.get(f"/v1/deliveries/{delivery}").json())

    def queue(self) -> Json:
        """Return counts and oldest instants of your own queue."""
        value: Json = self._http.get("/v1/queue").json()
        return value

    def _poll(self) -> Sequence[Delivery]:
        try:
            request = {"max": self._batch, "wait": self._wait}
            reply = self._http.post("/v1/collect", request, wait=self._wait)
            collected = [self._read(value) for value in _deliveries(reply.json())]
        except (Unavailable, Unexpected) as error:
            if not self._wait:
                raise
            log.warning("%s: retrying in %g s", _reason(error), PAUSE_SECONDS)
            self._stopping.wait(PAUSE_SECONDS)
            return ()
        self._lease_keeper.hold(collected, answered_at=reply.answered_at)
        return collected

    def _release(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            self._lease_keeper.release(delivery)

    def _read(self, value: Json) -> Delivery:
        try:
            return Delivery.from_json(value, holder=self._lease_keeper, by=self._by)
        except ValueError:
            raise Unexpected("The gateway sent a delivery that lacks a required field.") from None


def _deliveries(value: Any) -> Sequence[Json]:
    try:
        deliveries: Sequence[Json] = value["deliveries"]
    except (KeyError, TypeError):
        raise Unexpected("The gateway's answer holds no deliveries.") from None
    return deliveries


def _reason(error: ClientError) -> str:
    """Describe an error without anything of the answer, which may hold content."""
    return "gateway unavailable" if isinstance(error, Unavailable) else "answer not understood"
