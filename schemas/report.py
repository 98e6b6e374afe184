"""The reports: deadlines, what inspectors ask, who was told (docs/reports.md)."""

from __future__ import annotations

from marshmallow import fields

from schemas import codes
from schemas.answers import code, count, identifier, instant, many, one, text
from schemas.fields import described
from schemas.loading import Answer
from schemas.status import VersionSchema

GROUPS = ("all", "grade", "effective_grade", "agency", "force", "hour")


def seconds(description: str) -> fields.Float:
    """Return a length of time; null where nothing was counted."""
    return fields.Float(required=True, allow_none=True, metadata=described(description))


class SpreadSchema(Answer):
    """How long one stage took."""

    count = count("How many were counted.")
    median_seconds = seconds("At least half took no longer than this.")
    p90_seconds = seconds("At least nine in ten took no longer than this.")


class StagesSchema(Answer):
    """From one point to the next, and the two ways from acceptance to a person's answer."""

    first_known_to_accepted = one(
        SpreadSchema(),
        "From when the police first knew until the broker accepted the "
        "referral; once for each referral.",
    )
    accepted_to_available = one(
        SpreadSchema(), "From acceptance until the delivery was available to its agency."
    )
    available_to_collected = one(
        SpreadSchema(), "From when it was available until the agency's software collected it."
    )
    collected_to_acknowledged = one(
        SpreadSchema(), "From collection until a person acknowledged it."
    )
    acknowledged_to_decided = one(SpreadSchema(), "From acknowledgement until the decision.")
    accepted_to_acknowledged = one(
        SpreadSchema(), "From acceptance until a person acknowledged it."
    )
    accepted_to_decided = one(SpreadSchema(), "From acceptance until the decision.")


class VerdictsSchema(Answer):
    """What became of the deadlines of one milestone."""

    in_time = count("Met by the deadline.")
    late = count("Met after the deadline, or returned after it without being met.")
    open = count("Not met, and the deadline is still to come.")
    overdue = count("Not met, and the deadline has passed.")
    ended = count("Returned or recalled before the deadline: nothing is due any more.")
    without = count("Deliveries that have no such deadline.")


class VerdictsByMilestoneSchema(Answer):
    """What became of the deadlines, by milestone."""

    collect = one(VerdictsSchema(), "Deadlines to collect.")
    acknowledge = one(VerdictsSchema(), "Deadlines to acknowledge.")
    decide = one(VerdictsSchema(), "Deadlines to decide.")


class FiguresSchema(Answer):
    """One line: everything, or one grade, agency, force or hour of day."""

    by = code(GROUPS, "How this line is grouped.")
    of = text(
        "The grade, the organisation or the local hour of this line; "
        "empty for all, and for no grade."
    )
    referrals = count("How many referrals were accepted.")
    unrouted = count("Of these, how many wait to be routed.")
    rejected = count("Of these, how many were rejected.")
    unroutable = count("Of these, how many match no agency.")
    legs = count("How many deliveries were made of them.")
    held = count("Of these deliveries, how many an embargo holds back.")
    undeliverable = count("How many deliveries could not be made.")
    returned = count("How many deliveries were returned.")
    recalled = count("How many deliveries were recalled.")
    sent_on = count("How many deliveries took the place of a returned one.")
    stages = one(StagesSchema(), "How long each stage took.")
    deadlines = one(VerdictsByMilestoneSchema(), "What became of the deadlines.")


class DeadlineReportSchema(Answer):
    """Figures of the referrals that were accepted in a stretch of time."""

    since = instant("The start of the period: accepted at or after this.")
    until = instant("The end of the period: accepted before this.")
    counted_at = instant("When the figures were counted. Open and overdue are as of this instant.")
    figures = many(
        one(FiguresSchema()),
        "One line for all, and one for each grade, agency, force and hour of day.",
    )


class TallySchema(Answer):
    """How many there are of one thing, in one group."""

    by = code(("all", "force", "unit", "grade", "agency", "month"), "How this line is grouped.")
    of = text(
        "The organisation, the unit behind its force and a slash, the grade or the month; empty "
        "for all, and for no grade."
    )
    month = text("The month of acceptance in a line of a trend, such as `2026-12`; else empty.")
    what = text("What is counted, such as `acknowledged` or `voice`; docs/reports.md lists them.")
    name = text("Which of them, such as `within_24_hours` or `not_asked`.")
    count = count("How many.")


class InspectionReportSchema(Answer):
    """Counts of the referrals that were accepted in a stretch of time."""

    since = instant("The start of the period: accepted at or after this.")
    until = instant("The end of the period: accepted before this.")
    counted_at = instant("When the figures were counted.")
    figures = many(one(TallySchema()), "One line for each count; what would be 0 is left out.")


class ToldDecisionSchema(Answer):
    """One decision of an agency, without the person and the note."""

    outcome = code(codes.Outcome, "What the agency decided.")
    at = instant("When the decision was recorded.")
    views_considered = code(
        codes.ViewsConsidered, "Whether the child's views were considered.", nullable=True
    )
    child_told = code(codes.ChildTold, "Whether the child was told.", nullable=True)


class ToldSchema(Answer):
    """One agency that was told, or is to be."""

    agency = text("The code of the agency.")
    agency_name = text("The name of the agency.")
    role = code(codes.Role, "Whether the agency must act, or has a copy for information.")
    kind = code(codes.DeliveryKind, "Whether it is new, a correction or a recall.")
    version = count("The version of the referral that it carries.")
    row = text("The ID of the routing rule that made it.")
    sentence = text("Why this agency, in words.", nullable=True)
    basis = code(codes.Basis, "What the rule rests on.", nullable=True)
    source = text("The law, guidance or agreement that the rule rests on.", nullable=True)
    view = text("The name of the view: which fields the agency is shown.")
    state = code(codes.DeliveryState, "The state of the delivery.")
    available_at = instant(
        "When it is available to the agency; later than now while an embargo holds it back, null "
        "while it is held until a person releases it.",
        nullable=True,
    )
    collected_at = instant("When the agency's software collected it.", nullable=True)
    acknowledged_at = instant("When a person acknowledged it.", nullable=True)
    decided_at = instant("When the agency first decided.", nullable=True)
    returned_at = instant("When the agency returned it.", nullable=True)
    outcome = code(codes.Outcome, "What the agency decided last.", nullable=True)
    decisions = many(one(ToldDecisionSchema()), "Every decision, the one that stands last.")


class ToldReportSchema(Answer):
    """Who was told about one referral, on what basis, and which version."""

    id = identifier("The broker's ID of the referral.")
    reference = text("The publisher's own reference.")
    publisher = text("The code of the organisation that published it.")
    state = code(codes.ReferralState, "The state of the referral.")
    accepted_at = instant("When the first version was accepted.")
    recalled_at = instant("When it was recalled.", nullable=True)
    version = count("The number of the latest version.")
    policy_version = text("The version of the policy that routed it.", nullable=True)
    versions = many(one(VersionSchema()), "Every version, oldest first.")
    deliveries = many(one(ToldSchema()), "Each agency's part of the referral.")


DEADLINE_REPORT = DeadlineReportSchema()
INSPECTION_REPORT = InspectionReportSchema()
TOLD_REPORT = ToldReportSchema()
