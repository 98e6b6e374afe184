-- Make an unroutable or rejected referral due again; its clock's start and the deadline of ops stay.
-- A rejected one is judged as of now: the policy, the directory or the day may have changed; not one
-- in whose place another has its reference.
with changed as (
    update referral
    set next_attempt_at = %(now)s, attempt = 0,
        state = case state when 'rejected' then 'accepted' else state end,
        clock_from = case state when 'rejected' then coalesce(clock_from, accepted_at)
                                else clock_from end,
        accepted_at = case state when 'rejected' then %(now)s::timestamptz else accepted_at end
    where id = %(referral)s and state in ('unroutable', 'rejected')
      and not exists (select
                      from referral other
                      where other.publisher = referral.publisher
                        and other.reference = referral.reference and other.id <> referral.id
                        and holds_reference(other.*))
    returning id, publisher
)
insert into event (at, kind, publisher, referral, actor)
select %(now)s, 'referral.rerouted', publisher, id, %(actor)s from changed
returning referral
