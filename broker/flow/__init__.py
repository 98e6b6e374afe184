"""What happens to a referral, in order: accept, route, dispatch, collect, answer, sweep."""
