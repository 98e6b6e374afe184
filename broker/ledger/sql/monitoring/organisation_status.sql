-- When each organisation last used a key to collect, and whether delivery to it is suspended.
select organisation.code as agency, organisation.name, organisation.kind, organisation.channel,
       seen.at as seen_at, suspension.began_at as stopped_at, 
       suspension.began_by as stopped_by, suspension.reason as stopped_because
from organisation
left join lateral (
    select max(credential.last_used_at) as at
    from credential
    where credential.organisation = organisation.code and 'collect' = any(credential.scopes)
) seen on true
left join suspension on suspension.organisation = organisation.code
order by organisation.code
