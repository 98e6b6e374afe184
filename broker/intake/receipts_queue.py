"""The intake of receipts: agencies of the queue channel answer through a queue as well.

A message that is not signed by a key in use, or that cannot be read, changes nothing and is
dropped with a line in the log. The agency's delivery stays open, and its deadline counts on.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial
from typing import ClassVar, Self

from broker.admin.api_keys import is_usable
from broker.domain.codes import Scope
from broker.domain.credential import Credential
from broker.domain.delivery import ReceiptResult
from broker.domain.ids import CredentialId, OrganisationCode
from broker.errors import Denied, Unavailable
from broker.flow import answer
from broker.flow.activity_counter import EVERY as WRITE_ACTIVITY_EVERY
from broker.flow.context import Context
from broker.flow.receipt_parser import read_receipts
from broker.intake.base import IntakeForm, PolledIntake
from broker.telemetry import error_fields, logger
from broker.transport.queues import AgencyQueues, SignedReceipts
from broker.transport.signatures import signer
from schemas.errors import Unreadable

MESSAGES = 20
"""Messages read at a time; each is a transaction of its own."""
WAIT_SECONDS = 1.0
_log = logger("intake")
_SETTLED = frozenset({ReceiptResult.RECORDED, ReceiptResult.ALREADY})


class ReceiptsQueue(PolledIntake):
    """Reads the queue ``receipts`` of the agencies' message broker."""

    form: ClassVar = IntakeForm(
        name="receipts-queue", summary="An agency sends signed receipts to the queue 'receipts'."
    )

    def __init__(self, context: Context) -> None:
        self._context = context
        self._queues = AgencyQueues(context.settings.exchange_url)

    @classmethod
    def open(cls, context: Context) -> Self:
        """Return the intake; it connects when it first reads."""
        return cls(context)

    def run(self, stopping: threading.Event) -> None:
        """Settle receipts as they come, and write down every few seconds which agencies came."""
        due = self._context.clock()
        while not stopping.is_set():
            self._receive()
            if self._context.clock() >= due:
                self._context.activity.flush()
                due = self._context.clock() + WRITE_ACTIVITY_EVERY

    def close(self) -> None:
        """End the connection; what was not settled comes again."""
        self._queues.close()

    def _receive(self) -> None:
        handle = partial(receive_receipts, self._context)
        # Garbage in the queue looks like a broken connection and is gone by the next read.
        with suppress(Unavailable):
            self._queues.receive(handle, limit=MESSAGES, wait=WAIT_SECONDS)
            return
        self._queues.receive(handle, limit=MESSAGES, wait=WAIT_SECONDS)


def receive_receipts(context: Context, message: SignedReceipts) -> None:
    """Settle the receipts of one message. Raises Unavailable, and then it comes again.

    A message at which the broker itself fails is dropped like one that cannot be read: otherwise
    it would come again for ever and hold up every other agency's.
    """
    try:
        _settle(context, message)
    except Unavailable:
        raise
    except (Denied, Unreadable) as error:
        _log.warning("receipts dropped", **error_fields(error))
    except Exception as error:
        _log.error("receipts dropped by a fault of ours", **error_fields(error))


def _settle(context: Context, message: SignedReceipts) -> None:
    agency, actor = _sender(context, message)
    receipts = read_receipts(message.body)
    results = answer.settle(context, agency, receipts, actor=actor)
    unsettled = sum(result.result not in _SETTLED for result in results)
    if unsettled:
        _log.warning("receipts without effect", agency=agency, count=unsettled)


def _sender(context: Context, message: SignedReceipts) -> tuple[OrganisationCode, str]:
    """Return who signed: the agency, and the credential as the actor of the events."""
    now = context.clock()
    usable: dict[CredentialId, Credential] = {}

    def secret_of(id_: CredentialId) -> bytes | None:
        credential = context.ledger.credentials.credential(id_)
        if credential is None or not is_usable(credential, now):
            return None
        usable[id_] = credential
        return credential.secret_sha256

    credential = usable[signer(message.headers, message.body, secret_of=secret_of)]
    if Scope.COLLECT not in credential.scopes:
        raise Denied("This key may not answer for an agency.")
    return credential.organisation, f"key:{credential.id}"
