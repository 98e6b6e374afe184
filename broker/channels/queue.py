"""The queue channel: copies of deliveries in an agency's own durable Kombu queue.

Each copy is signed for its agency with the broker's own key, and encrypted to the agency's where it
has registered one. A copy in a queue does not prove that the agency has it, so each delivery stays
leased while the agency has time to say ``collected``; if it does not, the same delivery is signed
and sent again under the same id, ever more rarely.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import ClassVar, Self

from broker.channels.base import Parcel, PushChannel, wait_before_retry
from broker.declared_settings import DeclaredSetting
from broker.domain.channel import ChannelForm
from broker.domain.codes import NO_LONGER_ADDRESSED, DeliveryKind
from broker.domain.delivery import Offer
from broker.domain.ids import Clock
from broker.domain.push import Deferred, PushOutcome, Sent
from broker.errors import Fault, Invalid, Misconfigured, Unavailable
from broker.settings import BadSettings, Settings
from broker.telemetry import error_fields, logger
from broker.transport.encryption import EncryptionKey
from broker.transport.queues import REFUSED, AgencyQueues, Copy
from broker.transport.signatures import CopySigner

FIRST_PATIENCE = timedelta(minutes=15)
"""How long a copy may lie in the queue before it is sent again; doubles with each attempt."""
LONGEST_PATIENCE = timedelta(hours=4)
FIRST_PAUSE = timedelta(seconds=2)
"""How long to wait when the queue is full or unavailable; doubles with each attempt."""
LONGEST_PAUSE = timedelta(minutes=5)
SIGNING_KEY = DeclaredSetting(
    "BROKER_SIGNING_KEY",
    "the private key that signs copies in queues, Ed25519 in PEM: `broker keys signing new` makes "
    "it; without it nothing is sent to queues",
    is_secret=True,
)
UNAVAILABLE, NO_KEY = "unavailable", "no_encryption_key"
"""Why a copy was not sent, besides what the queues say."""
LONGEST_SILENCE = 10.0
"""In seconds, how long the message broker is not asked when it was unavailable: its recovery is
noticed so soon."""
_log = logger("channel")


class QueueChannel(PushChannel):
    """Publishes to ``agency.<code>``, one batch at a time."""

    form: ClassVar = ChannelForm(
        name="queue",
        summary="Copies go to the agency's queue at the message broker, and it sends receipts.",
        is_push=True,
        encrypts=True,
    )
    settings: ClassVar = (SIGNING_KEY,)

    def __init__(self, url: str, signer: CopySigner, *, queue_type: str = "quorum") -> None:
        self._queues = AgencyQueues(url, queue_type=queue_type)
        self._signer = signer
        self._lock = threading.Lock()
        self._failures = 0
        self._ask_again_at = 0.0

    @classmethod
    def open(cls, settings: Settings, *, clock: Clock) -> Self:
        """Return the channel to the message broker of BROKER_EXCHANGE_URL.

        Raises BadSettings when BROKER_SIGNING_KEY is not a private Ed25519 key.
        """
        try:
            signer = CopySigner(settings.declared[SIGNING_KEY.name])
        except Invalid as error:
            fault = Fault(SIGNING_KEY.name, "no-key", error.message)
            raise BadSettings("Copies in queues cannot be signed.", faults=[fault]) from None
        return cls(settings.exchange_url, signer, queue_type=settings.exchange_queue_type)

    def is_ready(self) -> bool:
        """Tell whether the message broker would take copies, once it did not.

        What waits stays due meanwhile, so it goes out in batches as soon as it does again.
        """
        if not self._failures:
            return True
        if monotonic() < self._ask_again_at:
            return False
        try:
            self.check()
        except Unavailable:
            self._note_failure()
            return False
        return True

    def send(self, parcels: Sequence[Parcel], *, now: datetime) -> list[PushOutcome]:
        """Put each parcel in its agency's queue; a full or unavailable queue defers it.

        So does a key that the directory requires and the agency has not registered.
        """
        copies = [self._copy(parcel, now) for parcel in parcels]
        codes = iter(self._publish([copy for copy in copies if copy is not None]))
        return [
            _outcome(parcel.offer, NO_KEY if copy is None else next(codes), now)
            for parcel, copy in zip(parcels, copies, strict=True)
        ]

    def _publish(self, copies: Sequence[Copy]) -> list[str]:
        """Return for each copy why it was not sent; empty when it was."""
        with self._lock:
            try:
                codes = self._queues.publish(copies)
            except Misconfigured as error:
                _log.error("queues refused", count=len(copies), **error_fields(error))
                code = REFUSED
            except Unavailable as error:
                _log.warning("queues unavailable", count=len(copies), **error_fields(error))
                code = UNAVAILABLE
            else:
                self._failures = 0
                return codes
        self._note_failure()
        return [code] * len(copies)

    def _note_failure(self) -> None:
        """Ask again at once after the first failure, then ever more rarely."""
        pause = 2.0 ** (self._failures - 1) if self._failures else 0.0
        self._failures = min(self._failures + 1, 10)
        self._ask_again_at = monotonic() + min(pause, LONGEST_SILENCE)

    def _copy(self, parcel: Parcel, now: datetime) -> Copy | None:
        """Return a parcel as it goes out; None when it must be encrypted and cannot be."""
        offer = parcel.offer
        if parcel.must_encrypt and not parcel.encryption_key:
            _log.error("copies not encrypted: no key registered", agency=offer.agency)
            return None
        delivery = str(offer.id)
        signed = self._signer.sign(
            parcel.body, agency=offer.agency, delivery=delivery, version=offer.version, now=now
        )
        if parcel.encryption_key:
            signed = EncryptionKey.from_pem(parcel.encryption_key).encrypt(signed)
        is_recall = offer.kind is DeliveryKind.RECALL
        return Copy(
            offer.agency, delivery, signed, str(offer.referral), is_recall, _replaced_by(offer)
        )

    def check(self) -> str:
        """Ask whether copies would be taken and receipts given, and send nothing."""
        with self._lock:
            self._queues.check()
        return "is reached"

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            self._queues.close()


def _replaced_by(offer: Offer) -> frozenset[str] | None:
    """Return whose copies a recall replaces; None for all of its referral.

    An agency that a correction does not address any more in one role may still have another.
    """
    is_of_a_part = offer.explanation.get("recall_reason") == NO_LONGER_ADDRESSED
    ids = offer.explanation.get("recalls")
    return frozenset(ids) if is_of_a_part and ids else None


def _outcome(offer: Offer, code: str, now: datetime) -> PushOutcome:
    if not code:
        patience = wait_before_retry(offer.sendings, first=FIRST_PATIENCE, longest=LONGEST_PATIENCE)
        return Sent(now + patience)
    # The whole message broker is asked before anything is claimed again.
    before = 0 if code == UNAVAILABLE else offer.deferrals
    pause = wait_before_retry(before, first=FIRST_PAUSE, longest=LONGEST_PAUSE)
    return Deferred(now + pause, code)
