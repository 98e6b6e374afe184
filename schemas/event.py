"""What happened: one line of it, a publisher's feed, and a referral's timeline."""

from __future__ import annotations

from schemas.answers import anything, identifier, instant, many, one, text
from schemas.loading import Answer


class EventSchema(Answer):
    """One thing that happened. Carries codes, ids and instants; never content."""

    cursor = text("The position of the event in the feed.")
    at = instant("When it happened.")
    kind = text("What happened, such as `referral.accepted`. New kinds may appear.")
    referral = identifier("The ID of the referral.", nullable=True)
    reference = text("The publisher's own reference.", nullable=True)
    delivery = identifier("The ID of the delivery, if the event is about one.", nullable=True)
    agency = text("The code of the agency, if the event is about one.", nullable=True)
    data = anything("Further facts, which depend on the kind.")


class FeedSchema(Answer):
    """Events after a cursor, in order; none is ever left out."""

    events = many(one(EventSchema()), "Events after the cursor, oldest first.")
    next = text("The cursor for your next request.")


class HappenedSchema(EventSchema):
    """One thing that happened to a referral; ops also read who did it, and why."""

    actor = text(
        "The person, agency, key or part of the broker that acted; null unless you are ops.",
        nullable=True,
    )
    reason = text("The reason that a person gave; null unless you are ops.", nullable=True)


class TimelineSchema(Answer):
    """Everything that happened to one referral, in order."""

    referral = identifier("The ID of the referral.")
    events = many(one(HappenedSchema()), "Everything that happened to it, oldest first.")


EVENT = EventSchema()
FEED = FeedSchema()
TIMELINE = TimelineSchema()
