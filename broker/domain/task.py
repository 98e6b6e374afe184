"""What a person in ops must settle about a referral, and by when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from broker.domain.codes import Grade
from broker.domain.ids import OrganisationCode, ReferralId, TaskId
from schemas.immutable import immutable

REJECTED = "rejected"
"""The code of the task about a referral that was rejected."""
REFUSED = "refused"
"""The code of the task about a body that was refused and not kept."""
KNOWN_FOR_LONG = "known-for-long"
"""The code of the task about a referral that came long after the police knew."""
EMBARGO_IN_WORDS = "embargo-in-words"
"""The code of the task about what is held because the instructions alone ask for it."""
SUSPECT_AT_RECIPIENT = "suspect-at-recipient"
"""The code of the task about what is held because a person posing risk is at its recipient."""
EMBARGO_FOR_ALL = "embargo-for-all"
"""The code of the task about an embargo that does not say whom it is about."""
HANDLING_UNREAD = "handling-unread"
"""The code of the task about what is held because how to handle it could not be read."""
WISH_IN_DOUBT = "do-not-disclose-in-doubt"
"""The code of the task about what is held because a wish may mean its recipient."""
HELD_AFTER_SHARING = "held-after-sharing"
"""The code of the task about a hold that came after its recipient had an earlier version."""
HAND_OVER_REFUSED = "hand-over-refused"
"""The code of the task about a part that the next team must not have; routing does not judge it."""
QUESTION_ASKED = "question-asked"
"""The code of the task about a question of an agency; an answer settles it, routing does not."""
UNJUDGED = (HAND_OVER_REFUSED, QUESTION_ASKED)
"""The codes of tasks that do not follow from what a referral says."""
OF_THE_PUBLISHER = frozenset({REJECTED, REFUSED, KNOWN_FOR_LONG, QUESTION_ASKED})
"""The codes that the publisher's supervisor must see to as well as ops."""

ACTIONS: Mapping[str, str] = MappingProxyType(
    {
        REJECTED: "Have the publisher send a corrected referral under the same reference; or "
        "correct the policy or the directory and retry routing.",
        REFUSED: "Call the publisher: have the referral sent again without what is wrong.",
        EMBARGO_IN_WORDS: "Ask the officer until when. Then release each part that is held, or "
        "keep it held; or have the publisher send the embargo with its end.",
        SUSPECT_AT_RECIPIENT: "Ask the publisher whom to tell there. Then release the part that "
        "is held, or keep it held.",
        EMBARGO_FOR_ALL: "Ask the officer who must not be contacted, and have the publisher send "
        "it with the embargo; or release each part that may go.",
        HANDLING_UNREAD: "Ask the publisher what is meant. Then release each part that is held, "
        "or keep it held; or have the referral corrected.",
        WISH_IN_DOUBT: "Ask the publisher whom the wish means. Then release the part that is "
        "held, or keep it held; or have the referral corrected.",
        HELD_AFTER_SHARING: "Ask the officer whether to call it, or to have it destroy what it "
        "has: a correction that names it in 'do_not_disclose_to' does that. Then settle this.",
        KNOWN_FOR_LONG: "Have the publisher's supervisor say why it came so late, and note it; who "
        "must act has it already.",
        HAND_OVER_REFUSED: "Call the team that has the part. Where it is "
        "closed, agree with the publisher who acts until it opens.",
        QUESTION_ASKED: "Have the publisher answer it, or send a correction; "
        "`broker questions` lists what is open.",
        "no-recipient": "Tell by other means the people who should know; or correct the directory "
        "and have the publisher correct the referral.",
    }
)
"""What to do about a task, by its code; a code that is not in it has ``ANY_ACTION``."""
ANY_ACTION = (
    "Ask the publisher, and have the referral corrected; or settle it and say what was done."
)


@immutable
class Task:
    """Something in a referral that a person in ops must settle; the rest of it goes on."""

    code: str
    """That of the warning which says the same to the publisher and the agencies."""
    pointer: str
    """A JSON pointer into the referral. For what is ``UNJUDGED``, which the referral does not say,
    the delivery and who must not have it, or the question: each such one is a task of its own."""
    message: str


MOST_ALIKE = 10
"""So many tasks of one code about one referral are tasks of their own."""


def grouped(tasks: Sequence[Task]) -> tuple[Task, ...]:
    """Return tasks with one in place of very many of a code: nobody settles 200 children singly.

    The warnings of the referral still say which they are.
    """
    counts = Counter(task.code for task in tasks) if len(tasks) > MOST_ALIKE else Counter[str]()
    kept: dict[str, Task] = {}
    for task in tasks:
        if counts[task.code] <= MOST_ALIKE:
            kept[f"{task.code} {task.pointer}"] = task
        elif task.code not in kept:
            part = "/".join(task.pointer.split("/")[:2])
            words = f"{task.message} So it is {counts[task.code]} times here: see the warnings."
            kept[task.code] = Task(task.code, part, words)
    return tuple(kept.values())


@immutable
class SettledTask:
    """A task about a referral that a person has settled, the last one of its code and place."""

    code: str
    pointer: str
    version: int
    """The version of the referral that it was about."""


@immutable
class TaskDeadline:
    """By when the tasks of one decision must be settled."""

    grade: Grade
    """As stated, or what it was raised to: the deadline follows it."""
    due_at: datetime
    next_alarm_at: datetime | None = None
    """When the first warning to ops is planned."""


@immutable
class NewTask:
    """A task about a version of a referral that is to be opened."""

    task: Task
    referral: ReferralId
    publisher: OrganisationCode
    reference: str
    version: int
    deadline: TaskDeadline
    policy_version: str | None
    """The policy that sets the deadline."""


@immutable
class RefusalTask:
    """The task about a body that was refused: nothing of the body is in it but its reference."""

    reference: str | None
    """The publisher's own, as far as it could be read."""
    message: str
    deadline: TaskDeadline
    policy_version: str


@immutable
class OpenTask:
    """A task that nobody has settled."""

    id: TaskId
    code: str
    pointer: str
    message: str
    referral: ReferralId | None
    """None for a body that was refused and not kept."""
    reference: str | None
    publisher: OrganisationCode
    since: datetime
    due_at: datetime
    effective_grade: str | None
    state: str | None
    """That of the referral."""

    @property
    def action(self) -> str:
        """What to do about it, in words."""
        return ACTIONS.get(self.code, ANY_ACTION)

    @property
    def owners(self) -> Sequence[str]:
        """Who must settle it: ops, and for a task of the publisher its supervisor too."""
        is_publishers = self.code in OF_THE_PUBLISHER
        return ("ops", f"{self.publisher} supervisor") if is_publishers else ("ops",)


@immutable
class TaskCounts:
    """How many tasks nobody has settled."""

    open: int
    overdue: int
