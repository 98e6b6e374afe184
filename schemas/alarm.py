"""What there is to say of alarms: clocks that stand, and ladders that are climbed."""

from __future__ import annotations

from schemas import codes
from schemas.answers import code, count, identifier, instant, many, one, text
from schemas.delivery import DeadlinesSchema
from schemas.loading import Answer

_MILESTONES = (*codes.Milestone, "attend", "silence")


class PausedSchema(Answer):
    """Since when the pausable clocks of a delivery stand."""

    delivery = identifier()
    paused_at = instant()


class ResumedSchema(Answer):
    """The deadlines of a delivery whose clocks go on."""

    delivery = identifier()
    deadlines = one(DeadlinesSchema())


class EscalationSchema(Answer):
    """A ladder after a missed deadline: whom it has told, and whether a person sees to it."""

    id = identifier()
    milestone = code(_MILESTONES, "What was missed; ``attend`` is an owner, for what has none.")
    state = code(codes.EscalationState)
    referral = identifier(nullable=True)
    reference = text(nullable=True)
    delivery = identifier(nullable=True)
    organisation = text("Who is late.")
    publisher = text(nullable=True)
    ladder = text("Its name in the policy.")
    step = count("How many steps were taken.")
    due_at = instant()
    began_at = instant()
    next_step_at = instant(nullable=True)
    acknowledged_at = instant(nullable=True)
    acknowledged_by = text(nullable=True)
    ended_at = instant(nullable=True)
    ended_because = text(nullable=True)


class EscalationsSchema(Answer):
    """Running escalations, the earliest begun first."""

    escalations = many(one(EscalationSchema()))


PAUSED = PausedSchema()
RESUMED = ResumedSchema()
ESCALATION = EscalationSchema()
ESCALATIONS = EscalationsSchema()
