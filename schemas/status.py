"""How things stand: a referral, an agency's queue, and one line of many sent at once."""

from __future__ import annotations

from marshmallow import fields

from schemas import codes
from schemas.answers import anything, code, count, identifier, instant, many, one, text
from schemas.delivery import DeadlinesSchema
from schemas.loading import Answer
from schemas.problem import FaultSchema, ProblemSchema
from schemas.receipt import ReceiptSchema


class VersionSchema(Answer):
    """One version that the publisher handed in."""

    version = count("From 1.")
    digest = text()
    accepted_at = instant()


class DeliveryStatusSchema(Answer):
    """One agency's part, as its publisher sees it."""

    id = identifier()
    agency = text()
    agency_name = text()
    role = code(codes.Role)
    row = text("The policy row that made it.")
    view = text()
    state = code(codes.DeliveryState)
    attempt = count()
    available_at = instant("Later than now while an embargo holds it.")
    clock_start = instant()
    deadlines = one(DeadlinesSchema())
    collected_at = instant(nullable=True)
    acknowledged_at = instant(nullable=True)
    decided_at = instant(nullable=True)
    returned_at = instant(nullable=True)
    paused_at = instant("Since when its pausable clocks stand.", nullable=True)
    outcome = code(codes.Outcome, nullable=True)
    reason = text("Why it was returned, or cannot be delivered.", nullable=True)
    note = text(nullable=True)
    answered_by = text(nullable=True)
    replaces = identifier("The returned delivery whose place it takes.", nullable=True)
    kind = code(codes.DeliveryKind)
    version = count("Which version of the referral it carries.")
    follows = identifier("What its agency had, which it corrects or recalls.", nullable=True)
    explanation = anything("Why this agency, and how each deadline was reckoned.")


class StatusSchema(Answer):
    """What became of a referral: everything but its content."""

    id = identifier()
    reference = text()
    publisher = text()
    state = code(codes.ReferralState)
    digest = text("Of the latest version.")
    accepted_at = instant("When the first version was.")
    routed_at = instant(nullable=True)
    closed_at = instant(nullable=True)
    grade = code(codes.Grade, nullable=True)
    effective_grade = code(codes.Grade, nullable=True)
    policy_version = text(nullable=True)
    directory_version = text(nullable=True)
    reason = text("Why it is unroutable.", nullable=True)
    attend_by = instant("By when ops must see to it.", nullable=True)
    faults = many(one(FaultSchema()), "Why it was rejected.")
    defects = many(one(FaultSchema()), "What it lacks.")
    warnings = many(one(FaultSchema()), "Where its facts contradict each other.")
    version = count("The latest version.")
    versions = many(one(VersionSchema()), "Every version, oldest first.")
    recalled_at = instant(nullable=True)
    recall_reason = code(codes.RecallReason, nullable=True)
    recalled_by = text(nullable=True)
    deliveries = many(one(DeliveryStatusSchema()))


class QueueDepthSchema(Answer):
    """The state of one agency's queue, in counts and ages only."""

    agency = text()
    held = count()
    available = count()
    leased = count()
    collected = count()
    acknowledged = count()
    oldest_claimable_at = instant(nullable=True)
    oldest_unacknowledged_at = instant(nullable=True)
    next_due_at = instant(nullable=True)
    overdue = count()


class BulkLineSchema(Answer):
    """What became of one line: a receipt, or a problem."""

    line = count("From 1.")
    status = count("The HTTP status that it would have had alone.")
    receipt = fields.Nested(ReceiptSchema())
    problem = fields.Nested(ProblemSchema())


STATUS = StatusSchema()
QUEUE_DEPTH = QueueDepthSchema()
BULK_LINE = BulkLineSchema()
