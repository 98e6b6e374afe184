-- What an agency's people have finished, last looked at first.
with looked as (
    select delivery, max(at) as at
    from (select delivery, at from look
          where organisation = %(agency)s
          order by at desc
          limit 2000) recent
    group by delivery
)
select delivery.id, delivery.referral, referral.reference, referral.publisher, delivery.kind,
       delivery.state, delivery.role, referral.effective_grade as grade, delivery.available_at,
       null::timestamptz as due_at, false as must_decide,
       delivery.acknowledged_at is not null as is_acknowledged, false as is_paused,
       true as is_read, handled.member as handler, handled.name as handler_name,
       handled.at as handled_at, handled.cover as handler_cover
from looked
join delivery on delivery.id = looked.delivery
join referral on referral.id = delivery.referral
left join lateral (
    select handler.member, member.name, handler.at, member.cover
    from handler join member on member.id = handler.member
    where handler.delivery = delivery.id
    order by handler.id desc
    limit 1
) handled on true
where not is_open(delivery) and delivery.agency = %(agency)s
order by looked.at desc, delivery.id
limit %(limit)s
