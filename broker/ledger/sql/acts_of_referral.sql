-- What people did about a referral, and why.
select at, kind, by, delivery, reason from act where referral = %(referral)s order by at, id
