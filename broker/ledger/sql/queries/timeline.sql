-- Everything that happened to a referral, in order, with the reasons of what people did: an act has
-- the instant and the kind of its event.
select case when feed.number is null then 'event-' || event.id
            else %(epoch)s::text || '-' || feed.number
       end as cursor, event.at, event.kind, event.referral,
       referral.reference, event.delivery, event.agency, event.actor, event.data, why.reason
from event
join referral on referral.id = event.referral
left join feed on feed.event = event.id
left join lateral (
    select act.reason
    from act
    where act.referral = event.referral and act.at = event.at and act.kind = event.kind
      and act.by = event.actor and act.delivery is not distinct from event.delivery
    limit 1
) why on true
where event.referral = %(referral)s
order by event.id
