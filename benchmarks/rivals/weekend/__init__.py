"""What a good team would write in a week: one row and one task a referral, a message a delivery.

It is right as far as it goes, and has what such a team would have: pooled connections, prepared
models, late acknowledgement, no results kept. What it does not have is what the broker is for: an
answer for every crash between its commit and its messages.
"""
