-- Note, and write into the history, which held deliveries their publishers are told of now: those
-- whose embargo ends soon, once for each end, and those that are held for long, again and again.
-- Another worker's claim is skipped, and the update names the state, so each is said once.
with due as (
    select delivery.id, delivery.state, delivery.available_at <= %(ends_by)s as is_ending
    from delivery
    join referral on referral.id = delivery.referral
    where delivery.state = 'held' and delivery.available_at > %(now)s
      and stands(referral.*)
      and ((delivery.available_at <= %(ends_by)s
            and (delivery.hold_warned_at is null
                 or delivery.hold_warned_at < delivery.available_at - %(before)s))
           or coalesce(delivery.hold_warned_at, referral.accepted_at) <= %(long_since)s)
    order by delivery.available_at, delivery.id
    limit %(limit)s
    for no key update of delivery skip locked
),
told as (
    update delivery
    set hold_warned_at = %(now)s
    from due
    where delivery.id = due.id and delivery.state = due.state
    returning delivery.id, delivery.referral, delivery.agency, delivery.available_at, due.is_ending
),
history as (
    insert into event (at, kind, publisher, referral, delivery, agency, actor, data)
    select %(now)s,
           case when told.is_ending then 'delivery.embargo_ending' else 'delivery.embargo_long' end,
           referral.publisher, told.referral, told.id, told.agency, 'broker',
           jsonb_build_object('until', nullif(told.available_at, %(never)s))
    from told
    join referral on referral.id = told.referral
    order by told.available_at, told.id
)
select told.id as delivery, told.referral, told.agency, referral.publisher, told.is_ending,
       nullif(told.available_at, %(never)s) as until
from told
join referral on referral.id = told.referral
order by told.available_at, told.id
