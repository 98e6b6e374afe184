"""What ops do about missed deadlines: take escalations on, go on for longer, hand over, undo."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from broker.domain.actor import PERSON
from broker.domain.codes import Right
from broker.domain.escalation import Escalation, TakenOn
from broker.domain.ids import EscalationId, OrganisationCode
from broker.errors import Conflict, Fault, Invalid, NotFound
from broker.flow.context import Context
from broker.ledger.operator_actions import ActionContext
from broker.policy.monitoring import alarms
from schemas.shown_text import says_something, shown_line

LONGEST_NOTE = 500
MOST = 1000
"""Escalations that one act may be about."""
UNDONE = "Undone: people are alerted again."


def taken_until(context: Context, since: datetime, *, turns: int = 1) -> datetime:
    """Return until when a person deals with what they take on; ``turns`` times as policy says."""
    policy = context.policies.latest()
    until = since
    for _ in range(turns):
        calendar = policy.calendars["ENG"]
        until = alarms.taken_until(policy.alarms, since=until, calendar=calendar)
    return until


def of_agency(context: Context, agency: OrganisationCode) -> list[Escalation]:
    """Return the running escalations about an agency, those that nobody deals with first."""
    return context.ledger.alarms.escalations(agency=agency, limit=MOST)


def beside(context: Context, escalation: Escalation) -> list[Escalation]:
    """Return the running escalations about the same delivery, referral or organisation."""
    if escalation.referral is None:
        return [escalation]
    running = context.ledger.alarms.escalations(referral=escalation.referral, limit=MOST)
    return [other for other in running if other.delivery == escalation.delivery]


def take_on(
    context: Context,
    escalations: Sequence[EscalationId],
    *,
    by: str,
    note: str,
    turns: int = 1,
    extends: bool = False,
) -> int:
    """Take escalations on: nobody else is alerted until the time is over. Returns how many.

    Also those that ``by`` was asked to take over, and with ``extends`` those that they deal with.
    Raises Conflict when none of them can be taken on, Invalid for a note that is too long.
    """
    now, reason = context.clock(), _note(note) or "Taken on."
    taken_on = TakenOn(by, taken_until(context, now, turns=turns), now, extends)
    outcomes = [
        context.ledger.alarms.acknowledge_escalation(
            id_, ActionContext(context.new_id(), shown_line(by), reason, now), taken_on
        )
        for id_ in escalations
    ]
    taken = sum(outcome is not None and outcome.is_first for outcome in outcomes)
    if not taken:
        raise Conflict("A person deals with this already, or it has ended. Nothing was changed.")
    return taken


def release(
    context: Context, escalations: Sequence[EscalationId], *, by: str, note: str = ""
) -> int:
    """Undo the taking on: people are alerted again where the steps stopped. Returns how many.

    Raises Conflict when nobody deals with any of them.
    """
    reason = _note(note) or UNDONE
    done = sum(
        context.ledger.alarms.release_escalation(id_, _action(context, by, reason))
        for id_ in escalations
    )
    if not done:
        raise Conflict("Nobody deals with this any more. Nothing was changed.")
    return done


def offer(
    context: Context, escalations: Sequence[EscalationId], *, by: str, to: str, note: str = ""
) -> int:
    """Ask a colleague to take escalations over; ``by`` deals with them until they do.

    ``to`` is the name of a person who may act. Returns how many. Raises Invalid for anybody else,
    Conflict when ``by`` deals with none of them.
    """
    if to not in colleagues(context, by):
        raise Invalid(
            "Choose a colleague.", faults=[Fault("/to", "unknown-person", "Choose a colleague.")]
        )
    reason = _note(note) or f"Asked {to} to take over."
    done = sum(
        context.ledger.alarms.offer_escalation(
            id_, _action(context, by, reason), to=f"{PERSON}{to}"
        )
        for id_ in escalations
    )
    if not done:
        raise Conflict(
            f"You do not deal with this any more, or have asked {to} already. Nothing was changed."
        )
    return done


def release_for(context: Context, id_: EscalationId, *, actor: str, note: str | None) -> Escalation:
    """Undo the taking on through a key; repeating it is harmless.

    Returns the escalation as it is afterwards. Raises NotFound.
    """
    context.ledger.alarms.release_escalation(id_, _action(context, actor, note or UNDONE))
    return _existing(context, id_)


def offer_for(
    context: Context, id_: EscalationId, *, person: str, to: str, actor: str, note: str | None
) -> Escalation:
    """Ask ``to`` to take over what ``person`` deals with, through a key; may be repeated.

    Returns the escalation as it is afterwards. Raises NotFound, Invalid where ``to`` may not act,
    and Conflict where ``person`` does not deal with it.
    """
    owner = named(_existing(context, id_).acknowledged_by, person)
    if to == person or to not in colleagues(context, owner):
        message = "Name another person who may act, as the list of people writes the name."
        raise Invalid(message, faults=[Fault("/to", "unknown-person", message)])
    action = _action(context, actor, note or f"Asked {to} to take over.")
    context.ledger.alarms.offer_escalation(id_, action, to=f"{PERSON}{to}", owner=owner)
    escalation = _existing(context, id_)
    if (escalation.acknowledged_by, escalation.offered_to) != (owner, f"{PERSON}{to}"):
        raise Conflict(f"{person} does not deal with this escalation. Nothing was changed.")
    return escalation


def named(recorded: str | None, person: str) -> str:
    """Return a person as the history names them, where that is who is recorded.

    A key names people as they are called; the console records who has signed in.
    """
    return f"{PERSON}{person}" if recorded == f"{PERSON}{person}" else person


def _existing(context: Context, id_: EscalationId) -> Escalation:
    escalation = context.ledger.alarms.escalation(id_)
    if escalation is None:
        raise NotFound("There is no such escalation.")
    return escalation


def colleagues(context: Context, by: str) -> list[str]:
    """Return the names of the other people who may take an escalation on."""
    people = context.ledger.people.people()
    names = [
        person.name
        for person in people
        if person.disabled_at is None and Right.ACT in person.rights
    ]
    return [name for name in names if f"{PERSON}{name}" != by]


def _action(context: Context, by: str, reason: str) -> ActionContext:
    return ActionContext(context.new_id(), shown_line(by), reason, context.clock())


def _note(text: str) -> str:
    note = shown_line(text)
    if len(note) > LONGEST_NOTE:
        message = f"Use at most {LONGEST_NOTE} characters."
        raise Invalid(message, faults=[Fault("/note", "too-long", message)])
    return note if says_something(note) else ""
