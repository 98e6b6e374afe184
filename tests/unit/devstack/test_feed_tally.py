"""What the feed adds up to."""

from __future__ import annotations

from broker.devstack.feed_tally import ACKNOWLEDGED, COLLECTED, FeedTally
from tests.unit.devstack.evidence import STOKE, event


def tally(*kinds: str) -> FeedTally:
    noted = FeedTally()
    noted.add(event(kind, cursor=str(place)) for place, kind in enumerate(kinds))
    return noted


def test_a_later_milestone_implies_the_earlier_ones() -> None:
    counts = tally("delivery.available", "delivery.decided").by_agency()[STOKE]
    assert counts.deliveries == counts.reached(COLLECTED) == counts.reached(ACKNOWLEDGED) == 1


def test_the_cursor_is_that_of_the_last_event() -> None:
    assert tally("referral.accepted", "referral.routed").cursor == "1"


def test_it_is_settled_when_every_referral_is_out_and_nothing_is_under_way() -> None:
    done = ("referral.accepted", "referral.routed", "delivery.available", "delivery.decided")
    assert tally(*done).is_settled(1)
    assert not tally(*done).is_settled(2)
    assert not tally(*done[:3]).is_settled(1)
    assert not tally(done[0]).is_settled(1)


def test_a_held_delivery_does_not_keep_it_from_being_settled() -> None:
    assert tally("referral.routed", "delivery.held").is_settled(1)


def test_events_of_no_interest_change_nothing() -> None:
    assert tally("referral.areas_given", "delivery.sent_on").total().deliveries == 0
