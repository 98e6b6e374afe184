-- Store answers, and write them into the history: codes there, names and notes here.
with receipt as (
    select *
    from unnest(%(deliveries)b::uuid[], %(stages)b::text[], %(by)b::text[], %(outcomes)b::text[],
                %(reasons)b::text[], %(notes)b::text[], %(areas)b::text[], %(numbers)b::int[],
                %(views_considered)b::text[], %(child_told)b::text[], %(data)b::text[], %(events)b::text[])
        with ordinality
        as row (delivery, stage, given_by, outcome, reason, note, area, number, views_considered,
                child_told, data, event, place)
),
answers as (
    insert into answer (delivery, stage, number, at, given_by, outcome, reason, note, area,
                        views_considered, child_told)
    select delivery, stage, number, %(now)s, given_by, outcome, reason, note, area,
           views_considered, child_told
    from receipt
)
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s, receipt.event, referral.publisher, delivery.referral, delivery.id,
       delivery.agency, %(actor)s, receipt.data::jsonb
from receipt
join delivery on delivery.id = receipt.delivery
join referral on referral.id = delivery.referral
order by receipt.place
