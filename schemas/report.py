"""The deadline report: how long each stage took, and what was in time (docs/reports.md)."""

from __future__ import annotations

from marshmallow import fields

from schemas.answers import code, count, instant, many, one, text
from schemas.fields import described
from schemas.loading import Answer

GROUPS = ("all", "grade", "effective_grade", "agency", "force", "hour")


def seconds(description: str) -> fields.Float:
    """Return a length of time; null where nothing was counted."""
    return fields.Float(required=True, allow_none=True, metadata=described(description))


class SpreadSchema(Answer):
    """How long one stage took."""

    count = count("How many were counted.")
    median_seconds = seconds("At least half took no longer than this one did.")
    p90_seconds = seconds("At least nine in ten took no longer than this one did.")


class StagesSchema(Answer):
    """From one point to the next, and the two ways from acceptance to a person's answer."""

    first_known_to_accepted = one(SpreadSchema(), "Once for each referral.")
    accepted_to_available = one(SpreadSchema())
    available_to_collected = one(SpreadSchema())
    collected_to_acknowledged = one(SpreadSchema())
    acknowledged_to_decided = one(SpreadSchema())
    accepted_to_acknowledged = one(SpreadSchema())
    accepted_to_decided = one(SpreadSchema())


class VerdictsSchema(Answer):
    """What became of the deadlines of one milestone."""

    in_time = count()
    late = count("Met after the deadline, or returned after it without being met.")
    open = count("Not met, and the deadline is still to come.")
    overdue = count("Not met, and the deadline has passed.")
    ended = count("Returned or recalled before the deadline: nothing is owed.")
    without = count("Deliveries that have no such deadline.")


class VerdictsByMilestoneSchema(Answer):
    """What became of the deadlines, by milestone."""

    collect = one(VerdictsSchema())
    acknowledge = one(VerdictsSchema())
    decide = one(VerdictsSchema())


class FiguresSchema(Answer):
    """One line: everything, or one grade, agency, force or hour of day."""

    by = code(GROUPS)
    of = text("The grade, the organisation or the local hour; empty for all, and for no grade.")
    referrals = count("How many were accepted.")
    unrouted = count("Of these, how many wait for routing.")
    rejected = count()
    unroutable = count()
    legs = count("How many deliveries were made of them.")
    held = count("Of these, how many an embargo holds.")
    undeliverable = count()
    returned = count()
    recalled = count()
    sent_on = count("How many took the place of one that came back.")
    stages = one(StagesSchema())
    deadlines = one(VerdictsByMilestoneSchema())


class DeadlineReportSchema(Answer):
    """Figures of the referrals that were accepted in a stretch of time."""

    since = instant("Accepted at or after this.")
    until = instant("Accepted before this.")
    counted_at = instant("What is open or overdue is so at this instant.")
    figures = many(one(FiguresSchema()))


DEADLINE_REPORT = DeadlineReportSchema()
