-- Referrals that were rejected, corrected, corrected more than a day after acceptance, recalled, or
-- lacked something; and bodies that were refused.
with counted as materialized (
    select publisher, coalesce(grade, '') as grade, coalesce(profile ->> 'unit', '') as unit,
           to_char(accepted_at at time zone 'Europe/London', 'YYYY-MM') as month,
           -- One that was recalled before it was routed is closed too, and was not rejected.
           routed_at is null
               and (state = 'rejected' or (state = 'closed' and recalled_at is null)) as rejected,
           version > 1 as corrected,
           exists (select from correction
                   where correction.referral = referral.id
                     and correction.accepted_at > referral.accepted_at + interval '24 hours')
               as corrected_late,
           recalled_at is not null as recalled,
           exists (select from referral_finding finding
                   where finding.referral = referral.id and finding.defects <> '[]')
               as with_defects
    from referral
    where accepted_at >= %(since)s and accepted_at < %(until)s
      and (%(force)s::text is null or publisher = %(force)s)
),
thing as (
    select publisher, unit, grade, month, 'referral' as what, name
    from counted
    cross join lateral (values ('all', true), ('rejected', rejected), ('corrected', corrected),
                               ('corrected_late', corrected_late), ('recalled', recalled),
                               ('with_defects', with_defects)) as trait (name, holds)
    where holds
    union all
    select publisher, '', '', to_char(at at time zone 'Europe/London', 'YYYY-MM'), 'body', 'refused'
    from refusal
    where at >= %(since)s and at < %(until)s
      and (%(force)s::text is null or publisher = %(force)s)
)
select publisher, unit, grade, '' as agency, month, what, name, count(*) as count
from thing
group by publisher, unit, grade, month, what, name
