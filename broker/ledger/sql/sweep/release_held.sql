-- Make available what an embargo held until now.
with due as (
    select id, state
    from delivery
    where state = 'held' and available_at <= %(now)s
      and (delivery.kind = 'recall'
               or (select stands(referral.*) from referral where referral.id = delivery.referral))
    order by available_at
    limit %(limit)s
    for no key update skip locked
),
released as (
    update delivery
    set state = 'available',
        -- An office may have closed meanwhile: its team out of hours has it at once.
        hand_over_at = case when hand_over_at is not null then %(now)s::timestamptz end
    from due
    where delivery.id = due.id and delivery.state = due.state
    returning delivery.id, delivery.referral, delivery.agency
),
history as (
    insert into event (at, kind, publisher, referral, delivery, agency, actor)
    select %(now)s, 'delivery.available', referral.publisher, released.referral, released.id,
           released.agency, 'broker'
    from released join referral on referral.id = released.referral
)
select id from released
