"""What an agency collects: its task, by when, how to handle it, and its view of the referral."""

from __future__ import annotations

from schemas import codes
from schemas.answers import anything, code, count, identifier, instant, many, one, text
from schemas.loading import Answer
from schemas.problem import FaultSchema


class LeaseSchema(Answer):
    """A claim that lapses by itself; whoever holds the latest one may answer."""

    id = identifier()
    until = instant()


class DeadlinesSchema(Answer):
    """By when each milestone is due; null where there is no deadline."""

    collect_by = instant(nullable=True)
    acknowledge_by = instant(nullable=True)
    decide_by = instant(nullable=True)


class DeliverySchema(Answer):
    """One agency's part of one referral. Also the message on an agency's queue."""

    delivery = identifier("The same each time that it is offered.")
    referral = identifier()
    reference = text("The publisher's own reference.")
    kind = code(codes.DeliveryKind, "Whether it is new, corrects what you have, or recalls it.")
    version = count("Which version of the referral it carries.")
    latest_version = count("The latest that there is; greater than ``version`` once corrected.")
    follows = identifier("The delivery of yours that it corrects or recalls.", nullable=True)
    changed = many(text(), "The parts of ``content`` and ``handling`` that a correction changes.")
    recall_reason = code(codes.DELIVERY_RECALL_REASONS, "Why it was recalled.", nullable=True)
    publisher = text()
    agency = text()
    state = code(codes.DeliveryState)
    attempt = count("How often it was offered.")
    lease = one(LeaseSchema(), nullable=True)
    handling = anything("How to handle it, before anything else is read.")
    role = code(codes.Role, "Whether the agency must act or must know.")
    view = text("Which fields it is shown.")
    why = text("Why this agency has it, in words.")
    grade = code(codes.Grade, "As the police graded it.")
    effective_grade = code(codes.Grade, "As the facts require.")
    accepted_at = instant()
    available_at = instant()
    deadlines = one(DeadlinesSchema())
    deadline_words = anything("Each deadline in words, by milestone.")
    defects = many(one(FaultSchema()), "What the referral lacks.")
    warnings = many(one(FaultSchema()), "Where its facts contradict each other.")
    content = anything("The part that this agency may see; empty once it is recalled.")


class DeliveriesSchema(Answer):
    """What was collected, earliest deadline first; empty when there is nothing."""

    deliveries = many(one(DeliverySchema()))


class LeaseResultSchema(Answer):
    """What became of one lease."""

    delivery = identifier()
    result = code(codes.LeaseResult)
    until = instant(nullable=True)


class LeaseResultsSchema(Answer):
    """One result for each lease, in order."""

    results = many(one(LeaseResultSchema()))


DELIVERY = DeliverySchema()
DELIVERIES = DeliveriesSchema()
LEASE_RESULTS = LeaseResultsSchema()
