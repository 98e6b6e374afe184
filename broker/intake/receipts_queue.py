"""Receipts that agencies send through a queue: the same answers, by another door.

A message that is not signed by a key in use, or that cannot be read, changes nothing and is
dropped with a line in the log: the agency's delivery stays open, and its deadline tells.
"""

from __future__ import annotations

from broker.admin.api_keys import is_usable
from broker.domain.codes import Scope
from broker.domain.credential import Credential
from broker.domain.delivery import ReceiptResult
from broker.domain.ids import CredentialId, OrganisationCode
from broker.errors import Denied, Unavailable
from broker.flow import answer
from broker.flow.context import Context
from broker.flow.receipt_parser import read_receipts
from broker.telemetry import error_fields, logger
from broker.transport.queues import SignedReceipts
from broker.transport.signatures import signer
from schemas.errors import Unreadable

_log = logger("intake")
_SETTLED = frozenset({ReceiptResult.RECORDED, ReceiptResult.ALREADY})


def receive_receipts(context: Context, message: SignedReceipts) -> None:
    """Settle the receipts of one message. Raises Unavailable, and then it comes again.

    One that a fault of ours trips over is dropped like one that cannot be read: it would come
    again for ever and hold up every other agency's.
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
    found: dict[CredentialId, Credential] = {}

    def secret_of(id_: CredentialId) -> bytes | None:
        credential = context.ledger.credentials.credential(id_)
        if credential is None or not is_usable(credential, now):
            return None
        found[id_] = credential
        return credential.secret_sha256

    credential = found[signer(message.headers, message.body, secret_of=secret_of)]
    if Scope.COLLECT not in credential.scopes:
        raise Denied("This key may not answer for an agency.")
    return credential.organisation, f"key:{credential.id}"
