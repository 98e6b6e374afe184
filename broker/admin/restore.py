"""After a restore: apply again what the side log has, and say what cannot be applied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from broker.admin import signing_keys
from broker.domain.codes import RecallReason
from broker.domain.epoch import Epoch
from broker.domain.ids import CredentialId, OrganisationCode, ReferralId
from broker.domain.referral import ReferralStatus
from broker.errors import Conflict
from broker.flow.context import Context
from broker.flow.correct import recall
from broker.side_log import Change, SideEntry

ACTOR = "restore"


@dataclass
class Applied:
    """What became of the entries of the side log; each list has references, names or ids."""

    recalled: list[str] = field(default_factory=list)
    """Recalled again just now."""
    unknown: list[str] = field(default_factory=list)
    """Recalled after the point, and not in the ledger: they must not be accepted again."""
    uncorrected: list[str] = field(default_factory=list)
    """Corrected after the point: the broker has an older version only."""
    ended: list[str] = field(default_factory=list)
    """Keys and people whose access was ended again just now."""


def begin(
    context: Context,
    entries: Sequence[SideEntry],
    *,
    by: str,
    restored_to: datetime | None = None,
) -> tuple[Epoch, Applied]:
    """Begin the epoch of a restore, unless it has begun, and apply the side log again.

    Safe to repeat, also after publishers have sent again what is missing.
    """
    epoch = context.ledger.epochs.begin(by=by, restored_to=restored_to, now=context.clock())
    applied = Applied()
    for entry in entries:
        if epoch.restored_to is None or entry.at >= epoch.restored_to:
            _apply(context, entry, applied, by)
    return epoch, applied


def _apply(context: Context, entry: SideEntry, applied: Applied, by: str) -> None:
    if entry.change is Change.RECALL:
        _recall(context, entry, applied, by)
    elif entry.change is Change.CORRECTION:
        _look_for_version(context, entry, applied)
    elif _end_access(context, entry):
        applied.ended.append(next(entry.ids[name] for name in _ENDED if name in entry.ids))


_ENDED = ("key", "person", "member")
"""What an entry calls the one whose access ended."""


def _recall(context: Context, entry: SideEntry, applied: Applied, by: str) -> None:
    referral = _referral(context, entry)
    if referral is None:
        applied.unknown.append(entry.ids["reference"])
        return
    reason, publisher = RecallReason(entry.ids["reason"]), OrganisationCode(entry.ids["publisher"])
    try:
        receipt = recall(context, publisher, referral.id, reason, by=by, actor=ACTOR)
    except Conflict:
        return  # recalled for another reason, or rejected: nobody is offered it
    if not receipt.duplicate:
        applied.recalled.append(entry.ids["reference"])


def _look_for_version(context: Context, entry: SideEntry, applied: Applied) -> None:
    referral = _referral(context, entry)
    versions = [version.version for version in referral.versions] if referral else []
    reference = entry.ids["reference"]
    if (
        max(versions, default=0) < int(entry.ids["version"])
        and reference not in applied.uncorrected
    ):
        applied.uncorrected.append(reference)


def _referral(context: Context, entry: SideEntry) -> ReferralStatus | None:
    """Return the referral of an entry; one that was sent again has another id."""
    queries, publisher = context.ledger.queries, OrganisationCode(entry.ids["publisher"])
    by_id = queries.referral(publisher, id=ReferralId(entry.referral))
    return by_id or queries.referral(publisher, reference=entry.ids["reference"])


def _end_access(context: Context, entry: SideEntry) -> bool:
    """End a key or a person's access again; False when nothing had to be changed."""
    ledger, now = context.ledger, context.clock()
    if entry.change is Change.AGENCY_KEY_ENDED:
        return signing_keys.revoke(ledger, entry.ids["key"], now=now)
    if entry.change is Change.PERSON_DISABLED:
        return ledger.people.disable_person(entry.ids["person"], now=now)
    if entry.change is Change.MEMBER_DISABLED:
        organisation = OrganisationCode(entry.ids["organisation"])
        return ledger.members.disable(organisation, UUID(entry.ids["member"]), now=now)
    id_, ends_at = CredentialId(entry.ids["key"]), datetime.fromisoformat(entry.ids["ends_at"])
    if ends_at > now:
        return ledger.credentials.expire(id_, ends_at)
    return ledger.credentials.revoke(id_, now)
