-- The document of a referral as it was received.
select body from referral_content where referral = %(id)s
