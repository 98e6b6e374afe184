"""Tell publishers that an embargo of theirs ends soon or lasts long, before what it holds goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from broker.domain.embargo import EmbargoWarning
from broker.domain.notice import DueNotice, NewNotice, NoticePayload
from broker.flow.context import Context
from broker.flow.notice_recipients import notices_of, recipient_of
from broker.policy.published.policy import Policy
from broker.policy.time.moments import instant_text

ENDING, LONG = "delivery.embargo_ending", "delivery.embargo_long"
"""The kinds of these notices, which are those of the events."""
SUBJECTS: Mapping[str, str] = {
    ENDING: "An embargo ends soon",
    LONG: "An embargo has lasted for four weeks",
}
"""The subject of a notice, by its kind. It names nobody: it may be read over a shoulder."""


def warn(context: Context, limit: int) -> int:
    """Write the events and notices of what is due; return how many deliveries they are about.

    Each end of an embargo is told of once, ``warn_before`` of it; one that is put off is told of
    anew. What is held for more than four weeks is told of again after each four weeks.
    """
    policy, now = context.policies.latest(), context.clock()
    before = policy.embargoes.warn_before.by_the_clock
    with context.ledger.embargoes.warn_of_embargoes(limit, before=before, now=now) as batch:
        notices = [
            notice for warning in batch.warnings for notice in _notices(context, policy, warning)
        ]
        batch.add_notices(notices, now=now)
        return len(batch.warnings)


def sentence(notice: DueNotice, agency: str) -> str:
    """Return what a notice says of an embargo, and what its reader can do."""
    until = notice.data.get("until")
    if until is None:
        held = f"{agency} is not told of a part of this referral until a person releases it."
        return f"{held} Is that still right?"
    when = f"{instant_text(until)} (UK time)"
    if notice.kind == LONG:
        return f"{agency} is not told of a part of this referral until {when}. Is that still right?"
    return (
        f"{agency} will be told of its part of this referral on {when}, when the embargo ends. If "
        "that is too early, correct the referral with a later end, or ask ops to extend it."
    )


def _notices(context: Context, policy: Policy, warning: EmbargoWarning) -> Iterator[NewNotice]:
    payload = NoticePayload(
        ENDING if warning.is_ending else LONG,
        warning.referral,
        warning.delivery,
        {
            "agency": warning.agency,
            "until": warning.until.isoformat() if warning.until else None,
        },
    )
    for step in policy.embargoes.tell:
        recipient = recipient_of(step, policy, agency=warning.agency, publisher=warning.publisher)
        yield from notices_of(payload, step, recipient, context.new_id)
