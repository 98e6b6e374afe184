-- Lease notices that are due, or whose lease has lapsed, and that nobody else holds.
with fresh as (
    select id, state, next_attempt_at as since
    from notice
    where state = 'due' and next_attempt_at <= %(now)s
      and (%(kinds)s::text[] is null or kind = any(%(kinds)s::text[]))
    order by next_attempt_at, id
    limit %(limit)s
    for no key update skip locked
),
lapsed as (
    select id, state, lease_until as since
    from notice
    where state = 'sending' and lease_until <= %(now)s
      and (%(kinds)s::text[] is null or kind = any(%(kinds)s::text[]))
    order by lease_until, id
    limit %(limit)s
    for no key update skip locked
),
due as (
    select * from fresh union all select * from lapsed order by since, id limit %(limit)s
)
update notice
set state = 'sending', attempt = attempt + 1, next_attempt_at = null, lease = %(lease)s,
    lease_until = %(until)s
from due
where notice.id = due.id and notice.state = due.state
returning notice.id, notice.kind, notice.organisation, notice.contact, notice.channel,
          notice.referral, notice.delivery, notice.escalation, notice.data, notice.attempt,
          notice.created_at, notice.member,
          (select email from member
           where member.id = notice.member and member.disabled_at is null) as email,
          (select mobile.number from member join member_mobile mobile on mobile.member = member.id
           where member.id = notice.member and member.disabled_at is null) as mobile,
          exists (select from member
                  where member.organisation = notice.organisation and member.disabled_at is null)
              as has_inbox
