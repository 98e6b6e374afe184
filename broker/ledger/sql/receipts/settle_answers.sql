-- Store answers, and write them into the history: codes there, names and notes here.
with receipt as (
    select *
    from unnest(%(deliveries)b::uuid[], %(stages)b::text[], %(by)b::text[], %(outcomes)b::text[],
                %(reasons)b::text[], %(notes)b::text[], %(areas)b::text[], %(data)b::text[])
        with ordinality
        as row (delivery, stage, given_by, outcome, reason, note, area, data, place)
),
answers as (
    insert into answer (delivery, stage, at, given_by, outcome, reason, note, area)
    select delivery, stage, %(now)s, given_by, outcome, reason, note, area from receipt
)
insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
select %(now)s, 'delivery.' || receipt.stage, referral.publisher, delivery.referral, delivery.id,
       delivery.agency, %(actor)s, receipt.data::jsonb
from receipt
join delivery on delivery.id = receipt.delivery
join referral on referral.id = delivery.referral
order by receipt.place
