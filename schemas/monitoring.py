"""What ops watch and act on without a browser: what is open and late, suspensions, dead letters."""

from __future__ import annotations

from schemas import codes
from schemas.answers import anything, code, count, identifier, instant, many, one, text
from schemas.attention import SystemHealthSchema
from schemas.loading import Answer
from schemas.report import seconds
from schemas.status import QueueDepthSchema

_MILESTONES = (*codes.Milestone, "attend", "route")
_WHY = ("breached", "soon", "trouble", "usual", "silent", "open")


class OpenDeadlineSchema(Answer):
    """An open delivery, or a referral that no agency has, and its next deadline."""

    referral = identifier("The ID of the referral.")
    reference = text("The publisher's own reference.")
    publisher = text("The code of the organisation that published it.")
    delivery = identifier("The delivery; null for a referral that no agency has.", nullable=True)
    agency = text("The code of the agency; null where ops must find one.", nullable=True)
    agency_name = text("The name of the agency.", nullable=True)
    state = text("The state of the delivery, or of the referral.")
    attempt = count("How many times it has been offered.")
    clock_start = instant("From when its deadlines count.")
    trouble = text("Why its last attempt failed, as a code.", nullable=True)
    milestone = code(_MILESTONES, "What is due next.")
    due_at = instant("By when that is due.")
    why = code(
        _WHY,
        "Why it is listed: `breached` is late, `soon` is due within the time you asked for, "
        "`trouble` failed last time, `usual` has less time left than its agency usually takes, "
        "`silent` is at an agency that has stopped collecting, `open` is none of these.",
    )
    grade = code(codes.Grade, "The grade that its deadlines follow.", nullable=True)
    escalation = identifier("Its running escalation.", nullable=True)
    escalation_state = code(codes.EscalationState, "The state of that escalation.", nullable=True)
    owner = text("The person who has taken the escalation on.", nullable=True)


class OpenDeadlinesSchema(Answer):
    """Open work by its next deadline."""

    at = instant("When it was read, by the clock of the ledger.")
    deadlines = many(one(OpenDeadlineSchema()), "Open work, earliest deadline first.")


class MonitorSchema(Answer):
    """Whether the broker works, what is at risk, and every queue."""

    at = instant("When it was read, by the clock of the ledger.")
    health = one(SystemHealthSchema(), "Whether the broker works. Read it first.")
    open = count("Open work. Referrals that are not routed count.")
    unrouted = count("Referrals that are accepted and not routed.")
    breached = count("Open work past a deadline.")
    due_soon = count("Open work due within 15 minutes.")
    bands = anything("How much is open by time left in minutes, and in each by grade.")
    at_risk = many(one(OpenDeadlineSchema()), "What is at risk, earliest deadline first.")
    queues = many(one(QueueDepthSchema()), "Every queue that is not empty, the latest first.")


class MeasureSchema(Answer):
    """The worst of one figure, and whose it is."""

    seconds = seconds("How long, in seconds; null where there is nothing to measure.")
    agency = text("The code of the agency that it is the figure of.", nullable=True)


class MeasuresSchema(Answer):
    """Figures in seconds that a monitoring system compares with limits."""

    at = instant("When they were measured, by the clock of the ledger.")
    oldest = one(MeasureSchema(), "How long the oldest delivery waits to be acknowledged.")
    latency = one(MeasureSchema(), "The 95th percentile of the time to acknowledge, over 24 hours.")
    silence = one(MeasureSchema(), "How long an agency with something to collect was not seen.")
    sweeper = one(
        MeasureSchema(),
        "How long no worker has led the sweep: 0 while one does, null where none ever did.",
    )


class AgencyStatusSchema(Answer):
    """An organisation, when it was last seen, and whether it is suspended."""

    agency = text("The code of the agency.")
    name = text("The name of the agency.")
    kind = text("The kind of organisation.")
    channel = text("How deliveries go to it.")
    seen_at = instant("When it last used a key.", nullable=True)
    suspended_at = instant("Since when nothing is offered to it.", nullable=True)
    suspended_by = text("Who suspended it.", nullable=True)
    suspended_because = text("Why it is suspended.", nullable=True)


class DeadLetterGroupSchema(Answer):
    """Deliveries that cannot be made, of one cause and agency."""

    cause = text("Why they cannot be delivered, as a code.", nullable=True)
    agency = text("The code of the agency.")
    count = count("How many there are.")
    oldest_at = instant("Since when the oldest cannot be delivered.")
    latest_at = instant("Since when the latest cannot be delivered.")
    next_due_at = instant("The next deadline among them.", nullable=True)


class DeadLettersSchema(Answer):
    """What cannot be delivered, by cause and agency."""

    dead_letters = many(one(DeadLetterGroupSchema()), "Each group, soonest deadline first.")


class ReplayLineSchema(Answer):
    """What a plan would take of one agency and cause."""

    agency = text("The code of the agency.")
    cause = text("Why they cannot be delivered, as a code.", nullable=True)
    oldest_at = instant("Since when the oldest waits.")
    overdue = count("How many are past a deadline.")
    replayed_before = count("How many were replayed or redirected before.")
    count = count("How many there are.")


class RedirectLineSchema(Answer):
    """What some deliveries of a plan would come to at the agency that is to get them."""

    count = count("How many there are.")
    view = text("The name of the view that it would get; null where they cannot go.", nullable=True)
    shows = many(text(), "Each part of the referral that the view shows, with its fields.")
    refused = text("Why they cannot go there, as a code.", nullable=True)
    message = text("What the view is for, or why they cannot go there.")


class ReplaySchema(Answer):
    """A plan to replay or redirect many deliveries, and how far it has come."""

    id = identifier("The ID of the plan.")
    kind = code(("replay", "send_on"), "`replay`, or `send_on` to redirect them.")
    receiver = text("The code of the agency that is to get them.", nullable=True)
    agency = text("Only deliveries of this agency.", nullable=True)
    cause = text("Only deliveries with this cause.", nullable=True)
    planned = count("How many it would take when it was planned; the most that it takes.")
    planned_at = instant("When it was planned.")
    planned_by = text("Who planned it.")
    started_by = text("Who started it.", nullable=True)
    reason = text("Why it was started.", nullable=True)
    per_minute = count("How many deliveries a minute.")
    state = text("`planned`, `running`, `paused`, `stopped` or `done`.")
    done = count("How many it has taken.")
    failed = count("How many could not be redirected, and stay where they are.")
    started_at = instant("When it was started.", nullable=True)
    ended_at = instant("When it ended.", nullable=True)
    lines = many(one(ReplayLineSchema()), "What it would take now, by agency and cause.")
    views = many(one(RedirectLineSchema()), "What a redirect would show, and what it cannot take.")


OPEN_DEADLINES = OpenDeadlinesSchema()
MONITOR = MonitorSchema()
MEASURES = MeasuresSchema()
SYSTEM_HEALTH = SystemHealthSchema()
AGENCY_STATUS = AgencyStatusSchema()
DEAD_LETTERS = DeadLettersSchema()
REPLAY = ReplaySchema()
