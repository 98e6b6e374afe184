"""What an agency collects: its task, by when, how to handle it, and its view of the referral."""

from __future__ import annotations

from marshmallow import fields

from schemas import codes
from schemas.answers import anything, code, count, identifier, instant, many, one, text
from schemas.fields import described
from schemas.loading import Answer
from schemas.problem import FaultSchema


class LeaseSchema(Answer):
    """A claim that lapses by itself; only the holder of the latest one may answer."""

    id = identifier("The ID of the lease; send it with your receipt.")
    until = instant("When the lease ends, unless you extend it.")


class DeadlinesSchema(Answer):
    """By when each milestone is due; null where there is no deadline."""

    collect_by = instant("By when your software must collect it.", nullable=True)
    acknowledge_by = instant("By when a person must acknowledge it.", nullable=True)
    decide_by = instant("By when a decision is due.", nullable=True)


class DeliverySchema(Answer):
    """One agency's part of one referral. Also the message on an agency's queue."""

    delivery = identifier(
        "The ID of the delivery. It is the same each time that the delivery is offered."
    )
    referral = identifier("The ID of the referral.")
    reference = text("The publisher's own reference.")
    kind = code(codes.DeliveryKind, "Whether it is new, corrects what you have, or recalls it.")
    version = count("The version of the referral that it carries.")
    latest_version = count(
        "The latest version of the referral; greater than `version` after a correction."
    )
    follows = identifier("The delivery of yours that it corrects or recalls.", nullable=True)
    changed = many(text(), "The parts of `content` and `handling` that a correction changes.")
    recalls = many(
        identifier("A delivery."),
        "For a recall: all deliveries of yours that it takes back. Where `recall_reason` is "
        "`no_longer_addressed`, you may have other deliveries of the referral that still count.",
    )
    recall_reason = code(
        codes.DELIVERY_RECALL_REASONS, "Why the referral was recalled.", nullable=True
    )
    handed_over = anything(
        "What another team did with it before your office opened, or before theirs closed: "
        "`from`, `from_name`, `at` and its `answers`. Empty where it was yours from the start."
    )
    publisher = text("The code of the organisation that published the referral.")
    agency = text("The code of your organisation.")
    state = code(codes.DeliveryState, "The state of the delivery.")
    attempt = count("How many times it has been offered.")
    lease = one(
        LeaseSchema(), "Your claim on the delivery; null when you only look at it.", nullable=True
    )
    handling = anything("How to handle it. Read this before anything else.")
    role = code(codes.Role, "Whether your organisation must act, or has a copy for information.")
    view = text("The name of the view: which fields you are shown.")
    why = text("Why your organisation has it, in plain words.")
    grade = code(codes.Grade, "The grade that the police gave.")
    effective_grade = code(
        codes.Grade, "The grade that the deadlines follow: at least as urgent as the facts require."
    )
    accepted_at = instant("When the broker accepted the referral.")
    available_at = instant("When the delivery became available to you.")
    deadlines = one(DeadlinesSchema(), "By when each milestone is due.")
    deadline_words = anything("How each deadline was worked out, in plain words, by milestone.")
    asks = anything(
        "What your decision is asked to say beside its outcome: `views_considered` and "
        "`child_told` are true where you are shown what a child said."
    )
    defects = many(one(FaultSchema()), "What the referral lacks.")
    warnings = many(one(FaultSchema()), "Where the facts of the referral contradict each other.")
    content = anything("The part of the referral that you may see; empty once it is recalled.")


_RESTORES = tuple(reason for reason in codes.EpochReason if reason.is_restore)


class QuarantineSchema(Answer):
    """Why referrals are kept back after a restore of the broker."""

    epoch = text("The name of the epoch that began with the restore.")
    reason = code(_RESTORES, "What happened to the ledger.")
    since = instant("Nothing that was accepted before this is offered.")
    restored_to = instant("What was accepted after this may be missing.")


class DeliveriesSchema(Answer):
    """What was collected, earliest deadline first; empty when there is nothing."""

    deliveries = many(one(DeliverySchema()), "The deliveries, earliest deadline first.")
    quarantine = fields.Nested(
        QuarantineSchema(),
        metadata=described(
            "Only after a restore of the broker, until ops confirm it: referrals that it accepted "
            "before are kept back."
        ),
    )


class LeaseResultSchema(Answer):
    """What became of one lease."""

    delivery = identifier("The ID of the delivery.")
    result = code(
        codes.LeaseResult,
        "`extended` or `released`; `lease_lost` when the lease had ended or was never yours.",
    )
    until = instant("When the lease ends now; null unless it was extended.", nullable=True)


class LeaseResultsSchema(Answer):
    """One result for each lease, in order."""

    results = many(
        one(LeaseResultSchema()), "One result for each lease, in the order of the request."
    )


DELIVERY = DeliverySchema()
DELIVERIES = DeliveriesSchema()
LEASE_RESULTS = LeaseResultsSchema()
