"""Part of the sweep: put versions of organisations in force that were set for a time that has come.

Each is judged again. Since it was recorded the rules may have changed, or other organisations; and
a row that cannot be read any more would leave every process without a policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from broker.domain.ids import OrganisationCode
from broker.errors import PolicyError
from broker.flow.context import Context
from broker.ledger.directory import DueVersion
from broker.policy.language.directory_reader import OrganisationRow
from broker.policy.published.change_checks import with_change
from broker.policy.published.policy import Policy
from broker.telemetry import logger

_log = logger("sweep")


def start_due(context: Context, *, now: datetime) -> None:
    """Put in force what is due and may be; the rest stays as it is.

    What was changed meanwhile, or cannot be judged without a policy, is left to the next sweep.
    """
    directory = context.ledger.directory
    due = directory.due_versions(now=now)
    if not due:
        return
    try:
        policy = context.policies.refreshed()
    except PolicyError:
        return
    refused = _refused(policy, due, context)
    if not directory.start_due(due, refused, judged_by=policy.version, now=now):
        return
    _log.info("organisations changed", count=len(due) - len(refused))
    for (code, number), faults in refused.items():
        _log.error("organisation not changed", agency=code, version=number, faults=faults)


def _refused(
    policy: Policy, due: Sequence[DueVersion], context: Context
) -> dict[tuple[OrganisationCode, int], list[str]]:
    """Return what is wrong with versions that may not start, each judged with those before it."""
    refused = {}
    for version in due:
        first = policy.directory.revision + 1
        row = OrganisationRow(version.code, version.version, first, version.document)
        after, faults = with_change(policy, [row], context.policies.channels)
        if faults:
            refused[version.code, version.version] = sorted({fault.code for fault in faults})
        else:
            policy = after
    return refused
