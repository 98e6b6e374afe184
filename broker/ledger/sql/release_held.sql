-- Make available what an embargo held until now.
with released as (
    update delivery
    set state = 'available'
    where id in (select id from delivery
                 where state = 'held' and available_at <= %(now)s
                 order by available_at
                 limit %(limit)s
                 for update skip locked)
      and state = 'held'
    returning id, referral, agency
),
history as (
    insert into event (at, kind, publisher, referral, delivery, agency, actor)
    select %(now)s, 'delivery.available', referral.publisher, released.referral, released.id,
           released.agency, 'broker'
    from released join referral on referral.id = released.referral
)
select id from released
