"""How things stand: a referral, an agency's queue, and one line of many sent at once."""

from __future__ import annotations

from marshmallow import fields

from schemas import codes
from schemas.answers import anything, code, count, identifier, instant, many, one, text
from schemas.delivery import DeadlinesSchema
from schemas.fields import described
from schemas.loading import Answer
from schemas.problem import FaultSchema, ProblemSchema
from schemas.receipt import ReceiptSchema


class VersionSchema(Answer):
    """One version that the publisher handed in."""

    version = count("The number of the version, from 1.")
    digest = text("The SHA-256 of the canonical form of this version, in hexadecimal.")
    accepted_at = instant("When this version was accepted.")


class DecisionSchema(Answer):
    """One decision of an agency."""

    outcome = code(codes.Outcome, "What the agency decided.")
    at = instant("When the decision was recorded.")
    by = text("The person who decided.")
    note = text("What the agency added in its own words.", nullable=True)
    views_considered = code(
        codes.ViewsConsidered, "Whether the child's views were considered.", nullable=True
    )
    child_told = code(codes.ChildTold, "Whether the child was told.", nullable=True)


class DeliveryStatusSchema(Answer):
    """One agency's part, as its publisher sees it."""

    id = identifier("The ID of the delivery.")
    agency = text("The code of the agency.")
    agency_name = text("The name of the agency.")
    role = code(codes.Role, "Whether the agency must act, or has a copy for information.")
    row = text("The ID of the routing rule that made it.")
    view = text("The name of the view: which fields the agency is shown.")
    state = code(codes.DeliveryState, "The state of the delivery.")
    attempt = count("How many times it has been offered.")
    available_at = instant(
        "When it is available to the agency; later than now while an embargo holds it back, null "
        "while it is held until a person releases it.",
        nullable=True,
    )
    clock_start = instant("From when its deadlines count.")
    deadlines = one(DeadlinesSchema(), "By when each milestone is due.")
    late = many(
        code(codes.Milestone, "A milestone."),
        "The milestones that are not met and whose deadline has passed; none once it has ended.",
    )
    paused = many(
        code(codes.Milestone, "A milestone."), "The milestones whose deadline is paused now."
    )
    collected_at = instant("When the agency's software collected it.", nullable=True)
    acknowledged_at = instant("When a person acknowledged it.", nullable=True)
    decided_at = instant("When the agency first decided.", nullable=True)
    returned_at = instant("When the agency returned it.", nullable=True)
    paused_at = instant("Since when its deadlines are paused.", nullable=True)
    outcome = code(codes.Outcome, "What the agency decided last.", nullable=True)
    views_considered = code(
        codes.ViewsConsidered,
        "Whether the child's views were considered in the decision that stands.",
        nullable=True,
    )
    child_told = code(
        codes.ChildTold, "Whether the child was told of the decision that stands.", nullable=True
    )
    decisions = many(one(DecisionSchema()), "Every decision, the one that stands last.")
    reason = text("Why it was returned, or cannot be delivered, as a code.", nullable=True)
    note = text("What the agency added in its own words.", nullable=True)
    answered_by = text("The person who answered last.", nullable=True)
    replaces = identifier("The returned delivery whose place it takes.", nullable=True)
    kind = code(codes.DeliveryKind, "Whether it is new, a correction or a recall.")
    version = count("The version of the referral that it carries.")
    follows = identifier(
        "The earlier delivery to this agency that it corrects or recalls.", nullable=True
    )
    explanation = anything("Why this agency, and how each deadline was worked out.")


class StatusSchema(Answer):
    """What became of a referral: everything but its content."""

    id = identifier("The broker's ID of the referral.")
    reference = text("The publisher's own reference.")
    publisher = text("The code of the organisation that published it.")
    state = code(codes.ReferralState, "The state of the referral.")
    digest = text("The SHA-256 of the canonical form of the latest version, in hexadecimal.")
    accepted_at = instant("When the first version was accepted.")
    routed_at = instant("When it was last routed; null before.", nullable=True)
    closed_at = instant("When every delivery was finished; null before.", nullable=True)
    grade = code(codes.Grade, "The grade that the police gave.", nullable=True)
    effective_grade = code(
        codes.Grade,
        "The grade that the deadlines follow: at least as urgent as the facts require.",
        nullable=True,
    )
    policy_version = text("The version of the policy that routed it.", nullable=True)
    directory_version = text("The version of the directory that routed it.", nullable=True)
    reason = text("Why it is unroutable, as a code.", nullable=True)
    attend_by = instant("By when ops must find an owner for it.", nullable=True)
    faults = many(one(FaultSchema()), "Why it was rejected.")
    defects = many(one(FaultSchema()), "What it lacks.")
    warnings = many(one(FaultSchema()), "Where its facts contradict each other.")
    version = count("The number of the latest version.")
    versions = many(one(VersionSchema()), "Every version, oldest first.")
    recalled_at = instant("When it was recalled.", nullable=True)
    recall_reason = code(codes.RecallReason, "Why it was recalled.", nullable=True)
    recalled_by = text("The person who recalled it.", nullable=True)
    deliveries = many(one(DeliveryStatusSchema()), "Each agency's part of the referral.")


class QueueDepthSchema(Answer):
    """The state of one agency's queue, in counts and ages only."""

    agency = text("The code of the agency.")
    open = count("Deliveries that are not finished.")
    held = count("Deliveries that an embargo holds back.")
    available = count("Deliveries that can be collected now.")
    leased = count("Deliveries under a lease.")
    collected = count("Deliveries that no person has acknowledged yet.")
    acknowledged = count("Deliveries that are not decided yet.")
    undeliverable = count("Deliveries that could not be made.")
    oldest_claimable_at = instant(
        "When the oldest delivery that can be collected became available.", nullable=True
    )
    oldest_unacknowledged_at = instant(
        "When the oldest delivery without acknowledgement became available.", nullable=True
    )
    next_due_at = instant("The next deadline.", nullable=True)
    overdue = count("Deliveries past a deadline.")


class BulkLineSchema(Answer):
    """What became of one line: a receipt, or a problem."""

    line = count("The number of the line, from 1.")
    status = count("The HTTP status that the line would have had alone.")
    receipt = fields.Nested(
        ReceiptSchema(), metadata=described("The receipt, if the referral was accepted.")
    )
    problem = fields.Nested(ProblemSchema(), metadata=described("The problem, if it was not."))


STATUS = StatusSchema()
QUEUE_DEPTH = QueueDepthSchema()
BULK_LINE = BulkLineSchema()
