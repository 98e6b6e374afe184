-- Lock a referral against a recall until it is recorded that its content was seen, and tell whether it
-- was recalled.
select recalled_at is not null as is_recalled from referral where id = %(referral)s for share
