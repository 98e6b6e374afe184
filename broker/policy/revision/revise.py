"""What a new version, or a recall, means for everybody who had an earlier one.

What an agency was given under one row is a thread. Each thread is paired with the leg of the new
plan that goes on with it; a thread without one is no longer addressed and is recalled, and a leg
without one is for somebody new.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from broker.domain.codes import NO_LONGER_ADDRESSED, DeliveryKind, Grade
from broker.domain.ids import DeliveryId, OrganisationCode
from broker.domain.states import DeliveryState
from broker.policy import disclosure
from broker.policy.published.policy import Policy
from broker.policy.revision import successors
from broker.policy.revision.issued import Changed, EarlierDelivery, HistoryEntry, Issued, Revision
from broker.policy.revision.regrade import Regrade, reschedule
from broker.policy.revision.settled_tasks import deciding, judged
from broker.policy.revision.version_document import VersionDocument
from broker.policy.routing.assignments import Assignment

_Key = tuple[str, str, str]
"""Agency, row, and the closed office whose part it is; empty where it is the agency's own."""


@dataclass(frozen=True, slots=True)
class JudgedVersion:
    """The version that is decided about, and what must be known for it."""

    number: int
    received_at: datetime
    grade: Grade
    """The one that deadlines follow from now on."""
    assignments: Sequence[Assignment]
    documents: Mapping[int, VersionDocument]
    """This version, those that agencies have and those of settled tasks, by number."""
    regrade: Regrade | None
    policy: Policy

    def decides_alike(self, code: str | None, before: int) -> bool:
        """Tell whether what decides a hold of a code is as it was in a version before.

        It is not where that version is not known.
        """
        return self._reads_alike(deciding, code, before)

    def repeats(self, code: str | None, before: int) -> bool:
        """Tell whether it repeats all that a person judged who decided about a hold of a code."""
        return self._reads_alike(judged, code, before)

    def _reads_alike(
        self, read: Callable[[str | None, VersionDocument], Any], code: str | None, before: int
    ) -> bool:
        earlier = self.documents.get(before)
        now = self.documents[self.number]
        return earlier is not None and bool(read(code, earlier) == read(code, now))


@dataclass(frozen=True, slots=True)
class _Thread:
    """What one agency was given under one row, and for one office, oldest first."""

    deliveries: tuple[EarlierDelivery, ...]
    was_sent_on: bool
    """Another agency has the last one now: this one gave it back, or handed it over."""

    @property
    def last(self) -> EarlierDelivery:
        return self.deliveries[-1]

    @property
    def offered(self) -> list[EarlierDelivery]:
        return [
            delivery
            for delivery in self.deliveries
            if delivery.was_offered and delivery.kind is not DeliveryKind.RECALL
        ]

    @property
    def is_over(self) -> bool:
        """Whether the agency was asked to destroy what it had, or never saw any of it."""
        return self.last.kind is DeliveryKind.RECALL or self.last.state is DeliveryState.RECALLED

    @property
    def was_handed_over(self) -> bool:
        """Whether another team has it because an office opened or closed."""
        return self.was_sent_on and self.last.state is not DeliveryState.RETURNED

    @property
    def goes_on(self) -> bool:
        return not self.is_over and not self.was_sent_on

    def continues(self, assignment: Assignment) -> bool:
        """Tell whether a leg of another row shows the agency the same in the same role."""
        last = self.last
        return (last.agency, last.role, last.view, last.stands_in_for) == (
            assignment.agency,
            assignment.role,
            assignment.view,
            assignment.office,
        )


def revise(earlier: Sequence[EarlierDelivery], new: JudgedVersion) -> Revision:
    """Decide what becomes of every delivery, and which ones are new.

    What nobody was offered yet is moved to the new version. Every other recipient gets a
    correction under its own deadline, or a recall of what it had where the new version does not
    address it any more.
    """
    threads = _threads(earlier)
    pairs, fresh = _paired(new, threads)
    present = [
        *fresh,
        *(
            assignment
            for key, assignments in pairs.items()
            for assignment in assignments
            if assignment.agency == key[0]
        ),
    ]
    changed: list[Changed] = []
    issued = [Issued(assignment, DeliveryKind.REFERRAL) for assignment in fresh]
    for key, thread in threads.items():
        if thread.is_over:
            changed += _ended(thread, NO_LONGER_ADDRESSED) if key in pairs else ()
        elif key in pairs:
            _go_on(thread, _merged(pairs[key]), new, changed, issued)
        elif thread.was_handed_over and _sent_on_to(thread, threads) in pairs:
            continue  # the team that has it now is told
        elif any(thread.continues(assignment) for assignment in present):
            changed += _ended(thread, NO_LONGER_ADDRESSED, only_unoffered=True)
        else:
            changed += _ended(thread, NO_LONGER_ADDRESSED)
            issued += _recalls([thread], NO_LONGER_ADDRESSED, new.received_at, new.policy)
    return Revision(tuple(changed), tuple(issued))


def withdraw(
    earlier: Sequence[EarlierDelivery], *, reason: str, at: datetime, policy: Policy
) -> Revision:
    """Ask every agency that had something of a referral to destroy it, each of them once."""
    by_agency: dict[str, list[_Thread]] = {}
    for thread in _threads(earlier).values():
        if thread.last.kind is not DeliveryKind.RECALL:
            by_agency.setdefault(thread.last.agency, []).append(thread)
    issued = [
        recall for same in by_agency.values() for recall in _recalls(same, reason, at, policy)
    ]
    return Revision((), tuple(issued))


def _threads(earlier: Sequence[EarlierDelivery]) -> dict[_Key, _Thread]:
    sent_on = {delivery.replaces for delivery in earlier if delivery.replaces}
    threads: dict[_Key, list[EarlierDelivery]] = {}
    offices: dict[tuple[str, str], OrganisationCode | None] = {}
    for delivery in sorted(earlier, key=lambda delivery: (delivery.version, delivery.id)):
        part, office = (delivery.agency, delivery.row), delivery.stands_in_for
        if delivery.kind is not DeliveryKind.REFERRAL:
            # A version of the broker before did not write it of corrections and recalls.
            office = office or offices.get(part)
        offices[part] = office
        same_office = replace(delivery, stands_in_for=office)
        threads.setdefault((*part, office or ""), []).append(same_office)
    return {
        key: _Thread(
            tuple(deliveries),
            deliveries[-1].id in sent_on or deliveries[-1].state is DeliveryState.HANDED_OVER,
        )
        for key, deliveries in threads.items()
    }


def _paired(
    new: JudgedVersion, threads: Mapping[_Key, _Thread]
) -> tuple[dict[_Key, list[Assignment]], list[Assignment]]:
    """Find the thread of each leg; the legs that have none come second."""
    pairs: dict[_Key, list[Assignment]] = {}
    fresh: list[Assignment] = []
    exact: set[_Key] = {_key(assignment) for assignment in new.assignments}
    for assignment in new.assignments:
        key = _thread_of(assignment, threads, exact, new.policy)
        if key is None:
            fresh.append(assignment)
        else:
            pairs.setdefault(key, []).append(assignment)
    for key, thread in threads.items():
        if thread.goes_on and key not in pairs:
            # The team out of hours is new to it, and the office stays in charge.
            stand_ins = [
                assignment
                for assignment in fresh
                if _stands_in(assignment.agency, thread, assignment, new.policy)
            ]
            if stand_ins:
                pairs[key] = stand_ins
    return pairs, fresh


def _thread_of(
    assignment: Assignment, threads: Mapping[_Key, _Thread], exact: set[_Key], policy: Policy
) -> _Key | None:
    own = threads.get(_key(assignment))
    if own is not None and own.goes_on:
        return _key(assignment)
    for key, thread in threads.items():
        if thread.goes_on and thread.continues(assignment) and key not in exact:
            return key
    organisation = policy.directory.organisation(assignment.agency)
    partner = organisation.out_of_hours_partner if organisation else None
    key = (partner or "", assignment.row, assignment.agency)
    if (thread_of_partner := threads.get(key)) and thread_of_partner.goes_on:
        return key
    if own is None or not own.was_sent_on or own.was_handed_over:
        return None  # the team out of hours is told anew of what cannot wait for the office
    return _sent_on_to(own, threads)


def _key(assignment: Assignment) -> _Key:
    return assignment.agency, assignment.row, assignment.office or ""


def _stands_in(agency: str, thread: _Thread, assignment: Assignment, policy: Policy) -> bool:
    organisation = policy.directory.organisation(thread.last.agency)
    partner = organisation.out_of_hours_partner if organisation else None
    is_for_it = assignment.office == thread.last.agency
    return assignment.row == thread.last.row and partner == agency and is_for_it


def _sent_on_to(thread: _Thread, threads: Mapping[_Key, _Thread]) -> _Key | None:
    """Return the thread of the agency that has now what was given back or handed over."""
    successors = {
        delivery.replaces: key
        for key, other in threads.items()
        for delivery in other.deliveries
        if delivery.replaces
    }
    for _ in successors:
        ids = (delivery.id for delivery in reversed(thread.deliveries))
        key = next((successors[id_] for id_ in ids if id_ in successors), None)
        if key is None:
            return None
        thread = threads[key]
        if not thread.was_sent_on:
            return key if thread.goes_on else None
    return None


def _merged(assignments: Sequence[Assignment]) -> Assignment:
    """Return one leg that shows everybody whom any of them shows."""
    children = dict.fromkeys(id_ for assignment in assignments for id_ in assignment.children)
    persons = dict.fromkeys(id_ for assignment in assignments for id_ in assignment.persons)
    return replace(assignments[0], children=tuple(children), persons=tuple(persons))


def _go_on(
    thread: _Thread,
    assignment: Assignment,
    new: JudgedVersion,
    changed: list[Changed],
    issued: list[Issued],
) -> None:
    """Give an agency the new version of what it has, or move to it what it has not seen.

    Where nothing that it is shown has changed, it is told nothing: a correction without a change
    would tell it that something changed about somebody else.
    """
    last, parts = thread.last, _parts(thread, assignment, new)
    if last.is_unoffered:
        changed.append(_moved(last, assignment, parts, new))
    elif last.state is DeliveryState.RETURNED:
        again = successors.again(last, assignment, new.grade, new.received_at, new.policy)
        issued.append(Issued(again, DeliveryKind.REFERRAL, replaces=last.id))
    elif parts or new.regrade or not thread.offered:
        issued.append(
            Issued(_correction(last, assignment, parts, new), DeliveryKind.CORRECTION, last.id)
        )
    for delivery in thread.deliveries:
        is_task = (
            delivery.kind is DeliveryKind.REFERRAL and delivery.is_open and delivery.was_offered
        )
        if (
            is_task
            and new.regrade
            and (rescheduled := reschedule(delivery, new.regrade, new.policy))
        ):
            changed.append(Changed(delivery, rescheduled[0], (rescheduled[1],)))


def _moved(
    earlier: EarlierDelivery, assignment: Assignment, parts: Sequence[str], new: JudgedVersion
) -> Changed:
    is_extended = _is_extended(earlier, assignment, new)
    if is_extended:
        moved = successors.keep_extended(earlier, assignment, new.number)
    else:
        moved = successors.move(
            earlier,
            assignment,
            new.number,
            new.received_at,
            released=_released(earlier, new),
        )
    if moved.kind is DeliveryKind.CORRECTION:
        # It is another version that it corrects to, and by when that is answered stays.
        explanation = _correction(earlier, assignment, parts, new).explanation
        kept = ("deadlines", "hold") if is_extended else ("deadlines",)
        own = {name: earlier.explanation[name] for name in kept}
        moved = replace(moved, explanation={**explanation, **own})
    noted = [HistoryEntry("delivery.revised", {"version": new.number, "state": str(moved.state)})]
    # A clock that has not started is counted by the new grade already.
    runs = moved.kind is DeliveryKind.REFERRAL and moved.clock_start == earlier.clock_start
    if runs and new.regrade and (rescheduled := reschedule(moved, new.regrade, new.policy)):
        moved = rescheduled[0]
        noted.append(rescheduled[1])
    return Changed(earlier, moved, tuple(noted))


def _is_extended(earlier: EarlierDelivery, assignment: Assignment, new: JudgedVersion) -> bool:
    """Tell whether a person extended a hold that the new version repeats as it was.

    What the new version would hold until a person releases it has no end for another cause.
    """
    hold, anew = earlier.explanation.get("hold") or {}, assignment.explanation["hold"]
    if earlier.state is not DeliveryState.HELD or "given" not in hold:
        return False
    if anew is None or anew["until"] is not None:
        return new.decides_alike(hold.get("code"), earlier.version)
    return hold.get("code") == anew["code"] and new.repeats(anew["code"], earlier.version)


def _released(earlier: EarlierDelivery, new: JudgedVersion) -> Mapping[str, Any] | None:
    """Return the hold from which a person released a delivery; None where that counts no more.

    It counts while every version repeats all that the person judged.
    """
    released = successors.released_from(earlier)
    is_repeated = released is not None and new.repeats(released.get("code"), earlier.version)
    return released if is_repeated else None


def _correction(
    last: EarlierDelivery, assignment: Assignment, parts: Sequence[str], new: JudgedVersion
) -> Assignment:
    because = [f"this is version {new.number}"]
    if new.regrade:
        because.append(
            f"deadlines followed the grade {_plain(new.regrade.before)}, "
            f"and follow {_plain(new.regrade.after)} now"
        )
    amended = successors.amend(
        DeliveryKind.CORRECTION,
        last,
        assignment,
        because=because,
        at=new.received_at,
        policy=new.policy,
        released=_released(last, new),
    )
    return replace(amended, explanation={**amended.explanation, "changed": list(parts)})


def _recalls(
    threads: Sequence[_Thread], reason: str, at: datetime, policy: Policy
) -> Iterator[Issued]:
    """Ask the agency of these threads once; nobody needs to see any more to what it gave back."""
    offered = [delivery for thread in threads for delivery in thread.offered]
    if not offered:
        return
    last = max(offered, key=lambda delivery: (delivery.version, delivery.id))
    because = [f"reason: {reason.replace('_', ' ')}"]
    amended = successors.amend(
        DeliveryKind.RECALL, last, None, because=because, at=at, policy=policy
    )
    had = [str(delivery.id) for thread in threads for delivery in thread.deliveries]
    explained = {**amended.explanation, "recall_reason": reason, "recalls": had}
    assignment = replace(amended, explanation=explained)
    given_back = [
        thread.last.id
        for thread in threads
        if thread.last.state is DeliveryState.RETURNED and not thread.was_sent_on
    ]
    yield Issued(assignment, DeliveryKind.RECALL, last.id, _first(given_back))


def _first(ids: Sequence[DeliveryId]) -> DeliveryId | None:
    return ids[0] if ids else None


def _ended(thread: _Thread, reason: str, *, only_unoffered: bool = False) -> list[Changed]:
    noted = (HistoryEntry("delivery.recalled", {"reason": reason}),)
    return [
        Changed(delivery, replace(delivery, state=DeliveryState.RECALLED), noted)
        for delivery in thread.deliveries
        if delivery.is_open and (delivery.is_unoffered or not only_unoffered)
    ]


def _parts(thread: _Thread, assignment: Assignment, new: JudgedVersion) -> list[str]:
    """Return which parts of what the agency last saw are different now, by the names it sees."""
    if not thread.offered:
        return []
    base = thread.offered[-1]
    before = disclosure.render(
        assignment.view,
        document=new.documents[base.version].judged,
        scope=base.scope,
        policy=new.policy,
        agency=thread.last.agency,
    )
    after = disclosure.render(
        assignment.view,
        document=new.documents[new.number].judged,
        scope=assignment.scope,
        policy=new.policy,
        agency=thread.last.agency,
    )
    names = dict.fromkeys([*before, *after])
    return [name for name in names if before.get(name) != after.get(name)]


def _plain(grade: str) -> str:
    return str(grade).replace("_", " ")
