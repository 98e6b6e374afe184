-- A page of organisations with what is open, late or due soon there, whether delivery is suspended, what
-- waits to be tried again and who is silent: those with late work first. The counts are of everything
-- that the search matches, whatever part of it is shown, none included. Reads what is open, and no history.
with work as (
    select agency, count(*) as open,
           count(*) filter (where is_late(delivery, %(now)s)) as late,
           count(*) filter (where state <> 'held' and next_deadline(delivery) >= %(now)s
                            and next_deadline(delivery) < %(now)s::timestamptz + %(within)s::interval)
               as soon,
           min(next_deadline(delivery)) filter (where state <> 'held') as first_due_at,
           count(*) filter (where state = 'available' and attempt > 0 and next_attempt_at > %(now)s)
               as retrying,
           min(next_attempt_at) filter (where state = 'available' and attempt > 0
                                          and next_attempt_at > %(now)s) as retry_at
    from delivery
    where is_open(delivery)
    group by agency
),
quiet as (
    select organisation, min(silence.last_at) as last_at, min(escalation.began_at) as began_at
    from escalation join silence on silence.escalation = escalation.id
    where escalation.milestone = 'silence' and escalation.referral is null
      and escalation.state <> 'ended'
    group by organisation
),
matching as (
    select organisation.code as agency, organisation.name, organisation.kind, organisation.channel,
           coalesce(work.open, 0) as open, coalesce(work.late, 0) as late,
           coalesce(work.soon, 0) as soon, work.first_due_at, coalesce(work.retrying, 0) as retrying,
           work.retry_at, quiet.began_at as silent_since, suspension.began_at as stopped_at,
           suspension.began_by as stopped_by, suspension.reason as stopped_because
    from organisation
    left join work on work.agency = organisation.code
    left join quiet on quiet.organisation = organisation.code
    left join suspension on suspension.organisation = organisation.code
    where (%(codes)s::text[] is null or organisation.code = any(%(codes)s)
           or strpos(lower(organisation.name), %(text)s) > 0)
      and (%(kind)s::text is null or organisation.kind = %(kind)s)
),
filtered as (
    select *
    from matching
    where case %(show)s when 'late' then late > 0 when 'soon' then late > 0 or soon > 0
                        when 'silent' then silent_since is not null
                        when 'suspended' then stopped_at is not null
                        when 'retrying' then retrying > 0 else true end
),
summed as (
    select count(*) as all_agencies,
           count(*) filter (where late > 0) as all_late,
           count(*) filter (where silent_since is not null) as all_silent,
           count(*) filter (where stopped_at is not null) as all_suspended,
           count(*) filter (where retrying > 0) as all_retrying,
           count(*) filter (where late > 0 or silent_since is not null or stopped_at is not null
                            or retrying > 0) as all_unusual
    from matching
),
shown as (
    select *, row_number() over (order by late = 0, case when late > 0 then first_due_at end,
                                 silent_since is null, retrying = 0, stopped_at is null, soon = 0,
                                 name, agency) as place
    from filtered
    order by place
    limit %(limit)s offset %(offset)s
)
select summed.*, (select count(*) from filtered) as all_shown, shown.*, seen.at as seen_at
from summed
left join shown on true
left join lateral (
    select max(credential.last_used_at) as at
    from credential
    where credential.organisation = shown.agency and 'collect' = any(credential.scopes)
) seen on true
order by shown.place
