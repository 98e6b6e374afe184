-- Keep what was answered, and write it into the history: codes there, names and notes here.
with given as (
    select *
    from unnest(%(deliveries)b::uuid[], %(stages)b::text[], %(by)b::text[], %(outcomes)b::text[],
                %(reasons)b::text[], %(notes)b::text[], %(areas)b::text[], %(data)b::text[])
        with ordinality
        as row (delivery, stage, given_by, outcome, reason, note, area, data, place)
),
kept as (
    insert into answer (delivery, stage, at, given_by, outcome, reason, note, area)
    select delivery, stage, %(now)s, given_by, outcome, reason, note, area from given
)
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s, 'delivery.' || given.stage, referral.publisher, delivery.referral, delivery.id,
       delivery.agency, %(actor)s, given.data::jsonb
from given
join delivery on delivery.id = given.delivery
join referral on referral.id = delivery.referral
order by given.place
