"""What a correction or a recall asks of agencies that had an earlier version, as policies say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from broker.domain.codes import DeliveryKind, Milestone
from broker.errors import Fault
from broker.policy.language.rules import Clock, read_milestones
from broker.policy.language.vocabulary import BASES
from broker.policy.language.yaml_nodes import Node
from broker.policy.time.deadlines import Unit, Within

_FIELDS = ("sentence", "basis", "source", "deadlines")
_NEEDED = {DeliveryKind.CORRECTION: Milestone.ACKNOWLEDGE, DeliveryKind.RECALL: Milestone.DECIDE}
"""Which deadline there must be: a correction is taken note of, a recall is confirmed."""


@dataclass(frozen=True, slots=True)
class VersionRule:
    """What there is to say of a kind of delivery, and by when it is answered."""

    sentence: str
    basis: str
    source: str
    deadlines: Mapping[Milestone, Clock]
    place: str
    """``file:line``."""


_LAW = "Data Protection Act 2018 section 38"
_NOTED = Clock("versions.acknowledge", Within(4, Unit.WORKING_HOUR))
_CONFIRMED = Clock("versions.recall.decide", Within(1, Unit.WORKING_DAY))
UNWRITTEN: Mapping[DeliveryKind, VersionRule] = {
    DeliveryKind.CORRECTION: VersionRule(
        "The police have corrected what you have; here is the whole of your part again.",
        "statute",
        _LAW,
        {Milestone.ACKNOWLEDGE: _NOTED},
        "policy.yaml:1",
    ),
    DeliveryKind.RECALL: VersionRule(
        "The police have taken back what you have; destroy every copy of it and say so.",
        "statute",
        _LAW,
        {Milestone.ACKNOWLEDGE: _NOTED, Milestone.DECIDE: _CONFIRMED},
        "policy.yaml:1",
    ),
}
"""What counts under a policy that was published before there were versions."""


def read_version_rules(root: Node) -> Mapping[DeliveryKind, VersionRule]:
    """Read the section ``versions``; what is wrong is added to the node's faults."""
    written = dict(root.entries()).get("versions")
    if written is None:
        return UNWRITTEN
    fields = written.fields([str(kind) for kind in UNWRITTEN])
    return {kind: _version_rule(kind, fields[kind]) for kind in UNWRITTEN if kind in fields}


def check_version_rules(version_rules: Mapping[DeliveryKind, VersionRule]) -> Iterator[Fault]:
    """Find a kind of delivery that nobody would have to answer."""
    for kind, milestone in _NEEDED.items():
        if kind in version_rules and milestone not in version_rules[kind].deadlines:
            message = f"A {kind} needs a deadline to {milestone}."
            yield Fault(version_rules[kind].place, "deadline-missing", message)


def _version_rule(kind: DeliveryKind, node: Node) -> VersionRule:
    fields = node.fields(_FIELDS)
    return VersionRule(
        sentence=fields["sentence"].text() if "sentence" in fields else "",
        basis=fields["basis"].choice(BASES, "basis") if "basis" in fields else "",
        source=fields["source"].text() if "source" in fields else "",
        deadlines=(
            read_milestones(f"versions.{kind}", fields["deadlines"])
            if "deadlines" in fields
            else {}
        ),
        place=node.place,
    )
