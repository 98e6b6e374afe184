-- Write in which referral each pseudonym occurred; a repetition changes nothing.
insert into child_mark (mark, at, referral, child, grade)
select *
from unnest(%(marks)b::bytea[], %(ats)b::timestamptz[], %(referrals)b::uuid[],
            %(children)b::text[], %(grades)b::text[])
    as row (mark, at, referral, child, grade)
on conflict do nothing
