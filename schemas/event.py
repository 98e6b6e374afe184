"""What happened: one line of it, a publisher's feed, and a referral's timeline."""

from __future__ import annotations

from schemas.answers import anything, identifier, instant, many, one, text
from schemas.loading import Answer


class EventSchema(Answer):
    """One thing that happened. Carries codes, ids and instants; never content."""

    cursor = text("Where this event stands in the feed.")
    at = instant()
    kind = text("A word such as ``referral.accepted``; new ones may appear.")
    referral = identifier(nullable=True)
    reference = text(nullable=True)
    delivery = identifier(nullable=True)
    agency = text(nullable=True)
    data = anything("What else there is to tell, by kind.")


class FeedSchema(Answer):
    """Events after a cursor, in order; none is ever left out."""

    events = many(one(EventSchema()))
    next = text("The cursor to ask with next time.")


class HappenedSchema(EventSchema):
    """One thing that happened to a referral; ops also read who did it, and why."""

    actor = text("A person, an agency, a key, or a part of the broker; for ops.", nullable=True)
    reason = text("What a person who did it said; for ops.", nullable=True)


class TimelineSchema(Answer):
    """Everything that happened to one referral, in order."""

    referral = identifier()
    events = many(one(HappenedSchema()))


EVENT = EventSchema()
FEED = FeedSchema()
TIMELINE = TimelineSchema()
