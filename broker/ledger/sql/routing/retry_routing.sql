-- Make an unroutable referral due again; its clock's start and the deadline of ops stay.
with changed as (
    update referral
    set next_attempt_at = %(now)s, attempt = 0
    where id = %(referral)s and state = 'unroutable'
    returning id, publisher
)
insert into event (at, kind, publisher, referral, actor)
select %(now)s, 'referral.rerouted', publisher, id, %(actor)s from changed
returning referral
