-- The document of a referral as it was received, its latest version.
select body from referral_content where referral = %(id)s order by version desc limit 1
