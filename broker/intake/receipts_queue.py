"""The intake of receipts: agencies of the queue channel answer through a queue as well.

A message that is not signed by the agency's registered key, is late or was taken before, or cannot
be read, changes nothing and is dropped with a line in the log. The agency's delivery stays open,
and its deadline counts on.

Late means signed more than the window before the queue was last seen empty: what waited there
while no worker read it is as good as it was.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import ClassVar, Self

from broker.admin.api_keys import is_usable
from broker.domain.codes import ReceiptResult, Scope
from broker.domain.credential import Credential
from broker.domain.delivery import ReceiptMessage
from broker.domain.ids import CredentialId, OrganisationCode
from broker.errors import Denied, Unavailable
from broker.flow import answer
from broker.flow.activity_counter import EVERY as WRITE_ACTIVITY_EVERY
from broker.flow.context import Context
from broker.flow.receipt_parser import read_each
from broker.intake.base import IntakeForm, PolledIntake
from broker.telemetry import error_fields, logger
from broker.transport.queues import AgencyQueues, SignedReceipts
from broker.transport.signatures import VerifiedReceipts, is_signed, old_signer, verify_receipts
from schemas.errors import Unreadable

MESSAGES = 20
"""Messages read at a time; each is a transaction of its own."""
WAIT_SECONDS = 1.0
CHANNEL = "queue"
"""Only organisations that the directory reaches on this channel answer here."""
REMEMBERED = timedelta(days=1)
"""How long a message is remembered at least, beyond the time at which it would be late."""
_log = logger("intake")
_SETTLED = frozenset({ReceiptResult.RECORDED, ReceiptResult.ALREADY})


class ReceiptsQueue(PolledIntake):
    """Reads the queue ``receipts`` of the agencies' message broker."""

    form: ClassVar = IntakeForm(
        name="receipts-queue", summary="An agency sends signed receipts to the queue 'receipts'."
    )

    def __init__(self, context: Context) -> None:
        self._context = context
        self._queues = AgencyQueues(
            context.settings.exchange_url, queue_type=context.settings.exchange_queue_type
        )
        self._drained_at: datetime | None = None

    @classmethod
    def open(cls, context: Context) -> Self:
        """Return the intake; it connects when it first reads."""
        return cls(context)

    def run(self, stopping: threading.Event) -> None:
        """Settle receipts as they come, and write down every few seconds which agencies came."""
        if self._context.settings.accept_old_signatures:
            _log.warning("old signatures accepted: a reader of the ledger can forge them")
        self._drained_at = self._context.ledger.queue_keys.drained_at()
        due = self._context.clock()
        while not stopping.is_set():
            now = self._context.clock()
            drained = not self._receive()
            if drained:
                self._drained_at = now
            if self._context.clock() >= due:
                self._context.activity.flush()
                if drained:
                    note_drained(self._context, now)
                due = self._context.clock() + WRITE_ACTIVITY_EVERY

    def close(self) -> None:
        """End the connection; what was not settled comes again."""
        self._queues.close()

    def _receive(self) -> int:
        handle = partial(receive_receipts, self._context, drained_at=self._drained_at)
        # Garbage in the queue looks like a broken connection and is gone by the next read.
        with suppress(Unavailable):
            return self._queues.receive(handle, limit=MESSAGES, wait=WAIT_SECONDS)
        return self._queues.receive(handle, limit=MESSAGES, wait=WAIT_SECONDS)


def note_drained(context: Context, now: datetime) -> None:
    """Note that the queue is empty, and forget messages that would be late by far."""
    forget_before = now - context.settings.receipt_window - REMEMBERED
    context.ledger.queue_keys.note_drained(now, forget_before=forget_before)


def receive_receipts(
    context: Context, message: SignedReceipts, *, drained_at: datetime | None = None
) -> None:
    """Settle the receipts of one message. Raises Unavailable, and then it comes again.

    ``drained_at`` is when the queue was last seen empty; without it the message is late when its
    time is older than the window.

    A message at which the broker itself fails is dropped like one that cannot be read: otherwise
    it would come again for ever and hold up every other agency's.
    """
    try:
        _take(context, message, drained_at)
    except Unavailable:
        raise
    except (Denied, Unreadable) as error:
        _log.warning("receipts dropped", **error_fields(error))
    except Exception as error:
        _log.error("receipts dropped by a fault of ours", **error_fields(error))


def _take(context: Context, message: SignedReceipts, drained_at: datetime | None) -> None:
    """Settle a message that proves its sender, and remember with it that it was taken."""
    if not is_signed(message.body):
        _take_old(context, message, drained_at)
        return
    verified, agency = _sender(context, message.body)
    _check_time(context, verified.signed_at, drained_at)
    once = ReceiptMessage(verified.key, verified.id, verified.signed_at)
    _settle(context, agency, verified.body, actor=f"key:{verified.key}", message=once)


def _settle(
    context: Context,
    agency: OrganisationCode,
    body: bytes,
    *,
    actor: str,
    message: ReceiptMessage | None = None,
) -> None:
    """Record what can be read of the receipts, since a queue brings no answer back."""
    receipts, unread = read_each(body)
    if unread:
        _log.warning("receipts not read as they are", agency=agency, count=unread)
    results = answer.settle(context, agency, receipts, actor=actor, message=message)
    unsettled = sum(result.result not in _SETTLED for result in results)
    if unsettled:
        _log.warning("receipts without effect", agency=agency, count=unsettled)


def _sender(context: Context, body: bytes) -> tuple[VerifiedReceipts, OrganisationCode]:
    """Return a message and the agency whose registered key signed it."""
    owners: dict[str, OrganisationCode] = {}
    now = context.clock()

    def key_of(id_: str) -> bytes | None:
        key = context.ledger.queue_keys.agency_key(id_)
        if key is None or (key.revoked_at is not None and key.revoked_at <= now):
            return None
        owners[id_] = key.organisation
        return key.public_key

    verified = verify_receipts(body, key_of=key_of)
    agency = owners[verified.key]
    if verified.agency != agency:
        raise Denied("This message names another agency than that of its key.")
    _check_channel(context, agency)
    return verified, agency


def _take_old(context: Context, message: SignedReceipts, drained_at: datetime | None) -> None:
    """Settle a message in the old form, where the settings accept it."""
    if not context.settings.accept_old_signatures:
        raise Denied("Receipts are signed with the agency's own key.")
    now = context.clock()
    usable: dict[CredentialId, Credential] = {}

    def secret_of(id_: CredentialId) -> bytes | None:
        credential = context.ledger.credentials.credential(id_)
        if credential is None or not is_usable(credential, now):
            return None
        usable[id_] = credential
        return credential.secret_sha256

    signer, signed_at = old_signer(message.headers, message.body, secret_of=secret_of)
    credential = usable[signer]
    if Scope.COLLECT not in credential.scopes:
        raise Denied("This key may not answer for an agency.")
    _check_channel(context, credential.organisation)
    _check_time(context, signed_at, drained_at)
    _settle(context, credential.organisation, message.body, actor=f"key:{credential.id}")


def _check_channel(context: Context, agency: OrganisationCode) -> None:
    organisation = context.policies.latest().directory.organisation(agency)
    if organisation is None or organisation.channel != CHANNEL:
        raise Denied("This organisation's channel is not the queue.")


def _check_time(context: Context, signed_at: datetime, drained_at: datetime | None) -> None:
    now, window = context.clock(), context.settings.receipt_window
    earliest = min(now, drained_at or now) - window
    if not earliest <= signed_at <= now + window:
        raise Denied("The time of this message is not near that of the broker.")
