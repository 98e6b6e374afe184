-- Notices, the latest asked for first (their ids are in the order of time): those of one state, of
-- one referral, or all.
select notice.id, notice.kind, notice.state, notice.organisation, notice.contact, notice.channel,
       notice.code, notice.attempt as attempts, notice.created_at as asked_at, notice.ended_at,
       notice.next_attempt_at, notice.referral, referral.reference, notice.delivery,
       notice.escalation, coalesce(notice.data ->> 'agency', notice.organisation) as about
from notice
left join referral on referral.id = notice.referral
where (%(state)s::text is null or notice.state = %(state)s)
  and (%(referral)s::uuid is null or notice.referral = %(referral)s)
order by notice.id desc
limit %(limit)s
