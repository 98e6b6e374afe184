"""What there is to say of alarms: clocks that stand, and ladders that are climbed."""

from __future__ import annotations

from schemas import codes
from schemas.answers import code, count, identifier, instant, many, one, text
from schemas.delivery import DeadlinesSchema
from schemas.loading import Answer

_MILESTONES = (*codes.Milestone, "attend", "silence")


class PausedSchema(Answer):
    """Since when the pausable clocks of a delivery stand."""

    delivery = identifier("The delivery whose deadlines are paused.")
    paused_at = instant("When they were paused.")


class ResumedSchema(Answer):
    """The deadlines of a delivery whose clocks go on."""

    delivery = identifier("The delivery whose deadlines run again.")
    deadlines = one(DeadlinesSchema(), "Its deadlines, moved by the time that they were paused.")


class EscalationSchema(Answer):
    """The escalation of a missed deadline: who was alerted, and who has taken it on."""

    id = identifier("The ID of the escalation.")
    milestone = code(
        _MILESTONES,
        "What was missed. `attend` is finding an owner for a referral "
        "that has none; `silence` is hearing from an organisation.",
    )
    state = code(codes.EscalationState, "Whether it is open, acknowledged by a person, or ended.")
    referral = identifier("The referral; null for the silence of an organisation.", nullable=True)
    reference = text("The publisher's own reference of the referral.", nullable=True)
    delivery = identifier(
        "The delivery whose deadline was missed; null where there is none.", nullable=True
    )
    organisation = text("The code of the organisation that is late.")
    publisher = text("The code of the organisation that published the referral.", nullable=True)
    ladder = text("The name of the escalation policy that is followed.")
    step = count("How many of its steps have been taken.")
    due_at = instant("The deadline that was missed.")
    began_at = instant("When the escalation began.")
    next_step_at = instant(
        "When the next person is alerted; null when nobody else will be.", nullable=True
    )
    acknowledged_at = instant("When a person took it on.", nullable=True)
    acknowledged_by = text("The person who deals with it.", nullable=True)
    taken_until = instant(
        "Until when that person deals with it. While it is still late then, people are alerted "
        "again.",
        nullable=True,
    )
    offered_to = text("Who was asked to take it over, and has not yet.", nullable=True)
    own_acknowledged_by = text(
        "The person at the late agency itself who deals with it; others are alerted all the same.",
        nullable=True,
    )
    own_until = instant("Until when the late agency itself is not alerted again.", nullable=True)
    ended_at = instant("When it ended.", nullable=True)
    ended_because = text("Why it ended, as a code.", nullable=True)
    telephone = text("The number of the duty contact of who is late.", nullable=True)
    telephone_hours = text("When it is answered: `always`, or the hours.", nullable=True)


class NoticeSchema(Answer):
    """A notice to a contact, and what became of it."""

    id = identifier("The ID of the notice.")
    kind = text("The event that it reports, such as `delivery.escalated`.")
    state = code(
        codes.NoticeState,
        "Whether it is due, is being sent, was sent, has failed, or is no longer needed.",
    )
    organisation = text("The code of the organisation whose contact it is for.")
    contact = code(codes.Contact, "The contact of that organisation in the directory.")
    channel = code(codes.NoticeChannel, "How it is sent.")
    code = text(
        "Why it failed or is tried again, such as `channel_not_set`, `no_address` or "
        "`unavailable`.",
        nullable=True,
    )
    attempts = count("How often it was tried.")
    asked_at = instant("When the broker decided to send it.")
    ended_at = instant("When it was sent or failed.", nullable=True)
    next_attempt_at = instant("When it is tried again.", nullable=True)
    referral = identifier("The referral that it is about.", nullable=True)
    reference = text("The publisher's own reference of the referral.", nullable=True)
    delivery = identifier("The delivery that it is about.", nullable=True)
    escalation = identifier("The escalation that it belongs to.", nullable=True)
    about = text("The code of the organisation that is late or silent.")
    telephone = text("The number of the contact that it is for.", nullable=True)
    telephone_hours = text("When it is answered: `always`, or the hours.", nullable=True)


class NoticesSchema(Answer):
    """Notices to contacts, the latest first."""

    notices = many(one(NoticeSchema()), "Notices, the latest first.")


class EscalationsSchema(Answer):
    """Running escalations, the earliest begun first."""

    escalations = many(one(EscalationSchema()), "Running escalations, the oldest first.")


PAUSED = PausedSchema()
RESUMED = ResumedSchema()
ESCALATION = EscalationSchema()
ESCALATIONS = EscalationsSchema()
NOTICES = NoticesSchema()
