-- Write which contacts are to be notified; a notice is sent after this commit, never before it.
insert into notice (id, kind, organisation, contact, channel, referral, delivery, escalation, data,
                    member, next_attempt_at, created_at)
select id, kind, organisation, contact, channel, referral, delivery, escalation, data::jsonb,
       member, %(now)s, %(now)s
from unnest(%(ids)b::uuid[], %(kinds)b::text[], %(organisations)b::text[], %(contacts)b::text[],
            %(channels)b::text[], %(referrals)b::uuid[], %(deliveries)b::uuid[],
            %(escalations)b::uuid[], %(data)b::text[], %(members)b::uuid[])
    as row (id, kind, organisation, contact, channel, referral, delivery, escalation, data,
            member)
