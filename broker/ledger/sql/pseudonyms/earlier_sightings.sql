-- The other referrals in which a child came up under one of its marks, within the time that counts.
-- The turns are taken, so whatever another transaction recorded is committed and seen. One that was
-- given another grade since counts no more.
select distinct asked.referral, asked.child, referral.publisher, referral.reference, other.at
from unnest(%(marks)b::bytea[], %(ats)b::timestamptz[], %(referrals)b::uuid[],
            %(children)b::text[])
    as asked (mark, at, referral, child)
cross join lateral (
    select referral, at
    from child_mark
    where child_mark.mark = asked.mark
      and child_mark.at > asked.at - %(window)s::interval
      and child_mark.at < asked.at + %(window)s::interval
    order by child_mark.at desc
    limit %(most)s
) other
join referral on referral.id = other.referral
where other.referral <> asked.referral and referral.grade = %(grade)s
