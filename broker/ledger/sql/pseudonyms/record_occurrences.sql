-- Write in which referral each pseudonym occurred; a repetition changes nothing.
insert into child_mark (mark, at, referral, child, grade, nhs)
select *
from unnest(%(marks)b::bytea[], %(ats)b::timestamptz[], %(referrals)b::uuid[],
            %(children)b::text[], %(grades)b::text[], %(nhs)b::bytea[])
    as row (mark, at, referral, child, grade, nhs)
on conflict do nothing
