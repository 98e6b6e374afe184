-- When every organisation last sent and last collected, and what waits for it. Of its queue only the
-- hundred deliveries with the nearest deadlines are read, and a hundred that were pushed to it.
select organisation.code as organisation, sent.last_at as sent_at, key.since as may_send_since,
       collecting.last_at as collected_at, waits.since as waits_since, waits.due_at, day.count as last_day
from organisation
left join presence sent on sent.organisation = organisation.code and sent.activity = 'sent'
left join (
    select organisation, min(created_at) as since
    from credential
    where 'publish' = any(scopes) and revoked_at is null
      and (expires_at is null or expires_at > %(now)s)
    group by organisation
) key on key.organisation = organisation.code
left join (
    select organisation, max(last_at) as last_at
    from presence
    where activity in ('polled', 'collected', 'answered')
    group by organisation
) collecting on collecting.organisation = organisation.code
left join (
    select organisation, sum(count)::int as count
    from traffic
    where activity = 'sent' and hour >= %(day)s and hour < %(hour)s
    group by organisation
) day on day.organisation = organisation.code
left join lateral (
    select min(available_at) as since, min(least(collect_by, acknowledge_by)) as due_at
    from (
        (select available_at, collect_by, acknowledge_by
         from delivery
         where agency = organisation.code and state = 'available'
         order by acknowledge_by nulls last, id
         limit 100)
        union all
        (select available_at, collect_by, acknowledge_by
         from delivery
         where agency = organisation.code and state = 'leased' and is_pushed(organisation.channel)
         limit 100)
    ) waiting
) waits on true
order by organisation.code
