-- The other referrals in which a child occurred under one of its pseudonyms, within the window. The
-- turns are taken, so what another transaction recorded is committed and visible. A referral that was
-- given another grade since does not count, nor does a child with another NHS number.
select distinct occurrence.referral, occurrence.child, referral.publisher, referral.reference, other.at
from unnest(%(marks)b::bytea[], %(ats)b::timestamptz[], %(referrals)b::uuid[],
            %(children)b::text[], %(nhs)b::bytea[])
    as occurrence (mark, at, referral, child, nhs)
cross join lateral (
    select referral, at
    from child_mark
    where child_mark.mark = occurrence.mark
      and child_mark.at > occurrence.at - %(window)s::interval
      and child_mark.at < occurrence.at + %(window)s::interval
      and (child_mark.nhs is null or occurrence.nhs is null or child_mark.nhs = occurrence.nhs)
    order by child_mark.at desc
    limit %(most)s
) other
join referral on referral.id = other.referral
where other.referral <> occurrence.referral and referral.grade = %(grade)s
