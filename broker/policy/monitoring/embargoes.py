"""What policy says of embargoes: when its end is told and to whom, and what words alone hold.

An embargo is until an instant; until then the parts that its rules name are held. One that stands
in the instructions alone has no instant, so a person releases what it holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from broker.domain.codes import Contact, Grade, NoticeChannel, NoticeRecipient
from broker.policy.language.vocabulary import GRADES
from broker.policy.language.yaml_nodes import Node
from broker.policy.monitoring.alarms import Step, read_step
from broker.policy.time.deadlines import BY_THE_CLOCK, Within

WARN_BEFORE = Within.parse("4 hours")
"""How long before its end an embargo is told of where the policy does not say."""
LONGEST = timedelta(days=28)
"""An embargo for longer is asked after, and again after each such time."""


@dataclass(frozen=True, slots=True)
class EmbargoRules:
    """How an embargo is looked after."""

    warn_before: Within = WARN_BEFORE
    """How long before its end the publisher is told that it ends, by the clock."""
    tell: tuple[Step, ...] = (
        Step(NoticeRecipient.PUBLISHER, Contact.SUPERVISOR, (NoticeChannel.EMAIL,)),
    )
    """Who is told, beside the publisher's feed. An agency would learn what is kept from it."""
    goes_despite_words: frozenset[Grade] = frozenset({Grade.IMMEDIATE})
    """Grades at which an embargo that stands in words alone holds nothing back."""


def read_embargoes(node: Node) -> EmbargoRules:
    """Read the policy's section ``embargoes``; what it leaves out is as without the section."""
    fields = node.fields((), ("warn_before", "tell", "goes_despite_words"))
    default = EmbargoRules()
    return EmbargoRules(
        warn_before=_by_the_clock(fields["warn_before"])
        if "warn_before" in fields
        else default.warn_before,
        tell=tuple(read_step(item) for item in fields["tell"].items())
        if "tell" in fields
        else default.tell,
        goes_despite_words=_grades(fields["goes_despite_words"])
        if "goes_despite_words" in fields
        else default.goes_despite_words,
    )


def _by_the_clock(node: Node) -> Within:
    within = node.within()
    if within.unit not in BY_THE_CLOCK:
        node.fault("wrong-deadline", "Write minutes or hours here, such as 4 hours.")
        return WARN_BEFORE
    return within


def _grades(node: Node) -> frozenset[Grade]:
    words = [item.choice(GRADES, "grade") for item in node.items()]
    return frozenset(Grade(word) for word in words if word in GRADES)
