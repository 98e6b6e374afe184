"""What ops see: what no agency will do by itself, every queue, and bodies that were refused."""

from __future__ import annotations

from schemas import codes
from schemas.answers import anything, code, count, identifier, instant, many, one, text
from schemas.delivery import DeadlinesSchema, QuarantineSchema
from schemas.loading import Answer
from schemas.reconciliation import UnreferredSchema
from schemas.status import QueueDepthSchema

LEVELS = tuple(level.word for level in codes.HealthLevel)


class WaitingSchema(Answer):
    """Something that somebody in ops must see to."""

    referral = identifier("The ID of the referral.")
    reference = text("The publisher's own reference.")
    publisher = text("The code of the organisation that published it.")
    delivery = identifier(
        "The delivery; null for a referral that could not be routed.", nullable=True
    )
    agency = text(
        "The code of the agency that had it; null for a referral that could not be routed.",
        nullable=True,
    )
    reason = text(
        "A code: why it cannot be routed or delivered, why it was returned, or `awaits_release`.",
        nullable=True,
    )
    since = instant("Since when it needs ops.")
    due_at = instant("The next deadline; null where there is none.", nullable=True)
    effective_grade = code(codes.Grade, "The grade that its deadlines follow.", nullable=True)


class TaskSchema(Answer):
    """Something that a person must settle, while the rest of the referral goes on."""

    id = identifier("The ID of the task, by which it is settled.")
    kind = text("Always ``task``.")
    effective_grade = code(
        codes.Grade, "The grade that its deadline follows, as far as it is known.", nullable=True
    )
    owners = many(text(), "Who must settle it.")
    code = text("What it is about: the code of a warning, or ``rejected`` or ``refused``.")
    pointer = text(
        "A JSON pointer into the referral. For ``hand-over-refused``, "
        "``/deliveries/{delivery}/to/{organisation}``."
    )
    message = text("What is the matter, in words.")
    action = text("What to do about it, in words.")
    referral = identifier("The referral; null for a body that was not stored.", nullable=True)
    reference = text("The publisher's own reference, where it is known.", nullable=True)
    publisher = text("The code of the organisation that published it.")
    state = text("The state of the referral; null for a body.", nullable=True)
    since = instant("Since when it is open.")
    due_at = instant("By when it must be settled.")


class SilentSchema(Answer):
    """An organisation that has been silent for too long, or sends much less than it used to."""

    organisation = text("The code of the organisation.")
    activity = code(
        ("sending", "collecting"),
        "What it has stopped doing: sending referrals, or collecting deliveries.",
    )
    reason = code(
        ("policy", "deadline", "learned", "dropped"),
        "How we know: by a limit in the policy, a deadline that is "
        "near, what is usual for it, or a drop in numbers.",
    )
    since = instant("When the alarm opened.")
    last_at = instant("When it was last active before that.", nullable=True)
    acknowledged_by = text("The person who deals with it.", nullable=True)


class RefusalSchema(Answer):
    """A body that was refused and not kept."""

    publisher = text("The code of the organisation that sent the body.")
    digest = text("The SHA-256 of the body, in hexadecimal.")
    size = count("The size of the body, in bytes.")
    reason = text("Why it was rejected, as a code of the catalogue of errors.")
    at = instant("When it was rejected.")


class HealthProblemSchema(Answer):
    """One thing that is not well."""

    level = code(LEVELS, "How bad it is.")
    code = text("A code: what is not well.")
    sentence = text("What it is and what it means.")
    next_step = text("What to do.")
    count = count("How many there are; null where nothing is counted.", nullable=True)


class HealthFiguresSchema(Answer):
    """What is open and late. Referrals that are not routed count; null is not known."""

    open = count("Open work.", nullable=True)
    late = count("Open work past a deadline.", nullable=True)
    due_soon = count("Open work due within 15 minutes.", nullable=True)
    unrouted = count("Referrals that are accepted and not routed.", nullable=True)


class SystemHealthSchema(Answer):
    """Whether the broker works: the worst of everything that must."""

    level = code(
        LEVELS,
        "The worst: from `well` to `stopped`; `unknown` where a figure cannot be read.",
    )
    sentence = text("The worst in one sentence.")
    at = instant("When it was measured.")
    problems = many(one(HealthProblemSchema()), "Everything that is not well, worst first.")
    figures = one(HealthFiguresSchema(), "What is open and late.")


class AttentionSchema(Answer):
    """What no agency will do by itself, by kind, earliest deadline first."""

    health = one(SystemHealthSchema(), "Whether the broker works. Read it first.")
    unroutable = many(one(WaitingSchema()), "Referrals that match no agency.")
    undeliverable = many(one(WaitingSchema()), "Deliveries that could not be made.")
    returned = many(one(WaitingSchema()), "Deliveries that were returned and not redirected yet.")
    held = many(one(WaitingSchema()), "Deliveries that are held until a person releases them.")
    task = many(one(TaskSchema()), "Tasks: what a person must settle.")
    refused = many(
        one(RefusalSchema()), "Bodies that were rejected and not stored, the latest first."
    )
    silent = many(one(SilentSchema()), "Organisations that have been silent for too long.")
    unreferred = many(one(UnreferredSchema()), "Days with occurrences that have no referral.")
    quarantine = many(
        one(QuarantineSchema()),
        "A restore of the broker that nobody has confirmed: older referrals are kept back.",
    )


class RefusalsSchema(Answer):
    """Bodies that were refused and not kept, latest first."""

    refusals = many(one(RefusalSchema()), "Rejected bodies, the latest first.")


class QueuesSchema(Answer):
    """Every queue in which something waits."""

    queues = many(
        one(QueueDepthSchema()), "One entry for each agency with deliveries in its queue."
    )


class AreasGivenSchema(Answer):
    """The areas are noted; the referral is routed next."""

    id = identifier("The ID of the referral.")
    areas = anything("The area of each child or person, by local ID.")


class RoutedAgainSchema(Answer):
    """The referral is routed next, as it is."""

    id = identifier("The ID of the referral.")


class ReroutedSchema(Answer):
    """The delivery that follows the returned one."""

    delivery = identifier("The ID of the delivery that takes the place of the returned one.")


class ReroutePreviewSchema(Answer):
    """Who would get a delivery that is redirected, what they would see, and by when."""

    delivery = identifier("The ID of the delivery that would be redirected.")
    reference = text("The publisher's reference.")
    agency = text("The code of the agency that would get it.")
    agency_name = text("The agency's name.")
    agency_kind = code(codes.OrganisationKind, "The kind of organisation.")
    because = text("Why it is this agency.")
    role = code(codes.Role, "`lead` must act. `copy` is for information.")
    view = text("The name of the view that it would get.")
    view_sentence = text("What the view is for.")
    shows = many(text(), "Each part of the referral that the view shows, with its fields.")
    children = many(text(), "Local IDs of the children that it would see.")
    persons = many(text(), "Local IDs of the persons that it would see.")
    deadlines = one(DeadlinesSchema(), "By when it must act.")
    deadline_words = anything("How each deadline is counted, by milestone.")


class TaskSettledSchema(Answer):
    """The task is settled."""

    id = identifier("The ID of the task.")


class ReadinessSchema(Answer):
    """Whether the process runs, or can do its work."""

    status = code(("alive", "ready"), "`alive`: the process runs. `ready`: it can do its work.")


class PublicKeySchema(Answer):
    """A public Ed25519 key of the broker's own (RFC 7517, RFC 8037)."""

    kid = text("The ID of the key, as a copy names it: its thumbprint (RFC 7638).")
    kty = text("The family of the key: OKP.")
    crv = text("The curve: Ed25519.")
    x = text("The key itself, in base64url.")
    use = text("What it is for: sig, to verify signatures.")
    alg = text("The algorithm: Ed25519 (RFC 9864).")


class KeySetSchema(Answer):
    """The public keys with which copies in queues are verified."""

    keys = many(one(PublicKeySchema()), "Every key in use, the oldest first.")


ATTENTION = AttentionSchema()
REFUSALS = RefusalsSchema()
QUEUES = QueuesSchema()
AREAS_GIVEN = AreasGivenSchema()
ROUTED_AGAIN = RoutedAgainSchema()
REROUTED = ReroutedSchema()
REROUTE_PREVIEW = ReroutePreviewSchema()
TASK_SETTLED = TaskSettledSchema()
READINESS = ReadinessSchema()
KEY_SET = KeySetSchema()
