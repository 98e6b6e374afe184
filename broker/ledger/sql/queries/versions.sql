-- Every version of a referral that was submitted, in order.
select 1 as version, digest, accepted_at from referral where id = %(referral)s
union all
select version, digest, accepted_at from correction where referral = %(referral)s
order by version
