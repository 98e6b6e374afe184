-- What is known of the children of routed referrals, from what was found lacking: a referral counts
-- once under each name. By force, grade and month of acceptance.
with counted as materialized (
    select referral.id, publisher, coalesce(grade, '') as grade,
           to_char(accepted_at at time zone 'Europe/London', 'YYYY-MM') as month,
           coalesce(finding.defects, '[]') as defects
    from referral
    left join referral_finding finding on finding.referral = referral.id
    where accepted_at >= %(since)s and accepted_at < %(until)s and routed_at is not null
),
fact as (
    select distinct counted.id, publisher, grade, month, fact.what,
           coalesce(lack.name, 'known') as name
    from counted
    cross join (values ('voice'), ('ethnicity'), ('disability'), ('language'), ('status'))
        as fact (what)
    left join lateral (
        select case defect ->> 'code'
                   when 'missing-' || fact.what then 'not_mentioned'
                   when fact.what || '-not-asked' then 'not_asked'
                   when fact.what || '-refused' then 'refused'
                   when fact.what || '-not-yet-known' then 'not_yet_known'
               end as name
        from jsonb_array_elements(counted.defects) as defect
        where defect ->> 'code' in ('missing-' || fact.what, fact.what || '-not-asked',
                                    fact.what || '-refused', fact.what || '-not-yet-known')
    ) lack on true
)
select case when grouping(publisher) = 0 then 'force' when grouping(grade) = 0 then 'grade'
            when grouping(month) = 0 then 'month' else 'all' end as by,
       coalesce(publisher, grade, month, '') as of,
       case what when 'status' then 'missing_status' else what end as what, name,
       count(*) as count
from fact
group by grouping sets ((what, name), (publisher, what, name), (grade, what, name),
                        (month, what, name))
