"""What ops see: what no agency will do by itself, every queue, and bodies that were refused."""

from __future__ import annotations

from schemas import codes
from schemas.answers import anything, code, count, identifier, instant, many, one, text
from schemas.loading import Answer
from schemas.reconciliation import UnreferredSchema
from schemas.status import QueueDepthSchema


class WaitingSchema(Answer):
    """Something that somebody in ops must see to."""

    referral = identifier()
    reference = text()
    publisher = text()
    delivery = identifier(nullable=True)
    agency = text(nullable=True)
    reason = text("A code: why it cannot be routed, or why it came back.", nullable=True)
    since = instant()
    due_at = instant(nullable=True)
    effective_grade = code(codes.Grade, nullable=True)


class SilentSchema(Answer):
    """An organisation that has been silent for too long, or sends much less than it used to."""

    organisation = text()
    activity = code(("sending", "collecting"))
    reason = code(("policy", "deadline", "learned", "dropped"), "How it is known.")
    since = instant("When the alarm opened.")
    last_at = instant("When it was last seen before.", nullable=True)
    acknowledged_by = text("Who sees to it.", nullable=True)


class RefusalSchema(Answer):
    """A body that was refused and not kept."""

    publisher = text()
    digest = text("SHA-256 of the body, in hex.")
    size = count("In bytes.")
    reason = text()
    at = instant()


class AttentionSchema(Answer):
    """What no agency will do by itself, by kind, earliest deadline first."""

    unroutable = many(one(WaitingSchema()))
    undeliverable = many(one(WaitingSchema()))
    returned = many(one(WaitingSchema()), "Returned, and not sent on yet.")
    refused = many(one(RefusalSchema()))
    silent = many(one(SilentSchema()))
    unreferred = many(one(UnreferredSchema()), "Days of which something has no referral.")


class RefusalsSchema(Answer):
    """Bodies that were refused and not kept, latest first."""

    refusals = many(one(RefusalSchema()))


class QueuesSchema(Answer):
    """Every queue in which something waits."""

    queues = many(one(QueueDepthSchema()))


class AreasGivenSchema(Answer):
    """The areas are noted; the referral is routed next."""

    id = identifier()
    areas = anything("Each local id's area.")


class RoutedAgainSchema(Answer):
    """The referral is routed next, as it is."""

    id = identifier()


class ReroutedSchema(Answer):
    """The delivery that follows the returned one."""

    delivery = identifier()


class ReadinessSchema(Answer):
    """Whether the process runs, or can do its work."""

    status = code(("alive", "ready"))


ATTENTION = AttentionSchema()
REFUSALS = RefusalsSchema()
QUEUES = QueuesSchema()
AREAS_GIVEN = AreasGivenSchema()
ROUTED_AGAIN = RoutedAgainSchema()
REROUTED = ReroutedSchema()
READINESS = ReadinessSchema()
