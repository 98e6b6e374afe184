"""What routing decides about a referral: the outcomes, and what they are decided from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import field, replace
from datetime import datetime, timedelta

from broker.domain.codes import Grade
from broker.domain.delivery import NewDelivery
from broker.domain.ids import OrganisationCode, ReferralId
from broker.domain.states import ReferralState
from broker.domain.task import SettledTask, Task, TaskDeadline
from broker.errors import Fault
from broker.policy.monitoring.profile import Profile
from broker.policy.monitoring.recurrence import Occurrence, Recurring
from broker.policy.revision.issued import Changed, EarlierDelivery
from schemas.immutable import immutable


@immutable
class Unrouted:
    """A claimed referral that waits for routing."""

    id: ReferralId
    publisher: OrganisationCode
    reference: str
    body: bytes
    accepted_at: datetime
    attempt: int
    begun: int
    """Attempts that were written down beforehand, and of which nothing came."""
    due_at: datetime
    """Since when it could be routed."""
    areas: Mapping[str, str]
    """Areas given afterwards by ops or the publisher: local child or person id to area code."""
    state: ReferralState
    """``accepted``; ``unroutable`` when an area was given since; ``routed`` when there is a new
    version, or a recall."""
    version: int = 1
    received_at: datetime | None = None
    """When the publisher handed in this version; ``accepted_at`` is that of the first one."""
    grade: str | None = None
    effective_grade: str | None = None
    """Those of the version that was routed last."""
    recall_reason: str | None = None
    earlier: Sequence[EarlierDelivery] = ()
    """What agencies were given before, in the order of its ids."""
    bodies: Mapping[int, bytes] = field(default_factory=dict)
    """The versions that agencies have, and those of ``settled``."""
    settled: Sequence[SettledTask] = ()
    """What a person has settled about it."""
    has_tasks: bool = False
    """Whether ops has an open task about it."""


@immutable
class Verdict:
    """How a referral was judged; the same for every agency."""

    policy_version: str
    directory_version: str
    grade: Grade | None = None
    """As the police gave it; None, as the next two, where it could not be judged."""
    effective_grade: Grade | None = None
    """The grade that deadlines follow."""
    first_known_at: datetime | None = None
    """When the police first knew."""
    defects: Sequence[Fault] = ()
    warnings: Sequence[Fault] = ()
    marks: Sequence[bytes] = ()
    """Keyed hashes of what it names, by which it is linked to other referrals."""
    linked_within: timedelta = timedelta(0)
    """For how long referrals that share one are linked."""
    profile: Profile | None = None
    """What the reports for inspectors count; None where it could not be read."""

    def without_grades(self) -> Verdict:
        """Return the same with the grades left open."""
        return replace(self, grade=None, effective_grade=None)


@immutable
class Routed:
    """The decision about one referral: who gets it."""

    id: ReferralId
    verdict: Verdict
    deliveries: Sequence[NewDelivery]
    version: int = 1
    occurrences: Sequence[Occurrence] = ()
    """Its children, where its grade is one that is counted."""
    recurring: Sequence[Recurring] = ()
    """Which of them were referred too often."""
    tasks: Sequence[Task] = ()
    """What ops must settle in this version."""
    tasks_due: TaskDeadline | None = None
    """By when; None where there is no task, as in the next ones."""

    @property
    def policy_version(self) -> str:
        """The policy that it was judged by."""
        return self.verdict.policy_version


@immutable
class Revised:
    """The decision about a new version of a referral that agencies have."""

    routed: Routed
    """Its deliveries are the new ones only."""
    changed: Sequence[Changed]
    """Deliveries that are changed where they stand."""
    grades: Mapping[str, str]
    """For the history: the grades before and now where they differ, else empty."""

    @property
    def id(self) -> ReferralId:
        """The referral."""
        return self.routed.id

    @property
    def verdict(self) -> Verdict:
        """How the new version was judged."""
        return self.routed.verdict

    @property
    def deliveries(self) -> Sequence[NewDelivery]:
        """The new deliveries."""
        return self.routed.deliveries

    @property
    def tasks(self) -> Sequence[Task]:
        """What ops must settle in the new version."""
        return self.routed.tasks

    @property
    def tasks_due(self) -> TaskDeadline | None:
        """By when."""
        return self.routed.tasks_due

    @property
    def policy_version(self) -> str:
        """The policy that it was judged by."""
        return self.routed.policy_version


@immutable
class Withdrawn:
    """The decision about a referral that was taken back: who must destroy what they had."""

    id: ReferralId
    deliveries: Sequence[NewDelivery]


@immutable
class Rejected:
    """The decision about one referral: it is invalid, for all these reasons."""

    id: ReferralId
    faults: Sequence[Fault]
    policy_version: str | None = None
    """The policy that it was judged by."""
    grade: Grade | None = None
    """As far as the document states it."""
    tasks: Sequence[Task] = ()
    """That somebody must have it corrected."""
    tasks_due: TaskDeadline | None = None


@immutable
class Unroutable:
    """The decision about one referral: valid, but nobody can be worked out to get it."""

    id: ReferralId
    verdict: Verdict
    reason: str
    """A code: ``no_area``, ``no_recipient`` or ``fault``."""
    attend_by: datetime
    next_alarm_at: datetime | None = None
    """When the first warning to ops is planned."""
    tasks: Sequence[Task] = ()
    """What ops must settle besides finding a recipient."""
    tasks_due: TaskDeadline | None = None

    @property
    def policy_version(self) -> str:
        """The policy that it was judged by."""
        return self.verdict.policy_version


@immutable
class Postponed:
    """Routing failed for a reason of our own; it is due again at ``next_attempt_at``."""

    id: ReferralId
    next_attempt_at: datetime
    code: str
    """The class of what went wrong; never its text."""


Decision = Routed | Revised | Withdrawn | Rejected | Unroutable | Postponed
