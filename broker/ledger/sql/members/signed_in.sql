-- Who is signed in with this secret. A session that nobody has used for a while has ended; that it
-- is used is written once a minute, so that a look at a page seldom writes. With how many drafts wait
-- to be sent, for who may send.
with seen as (
    update member_session set seen_at = %(now)s
    where secret_sha256 = %(secret_sha256)s and ended_at is null and expires_at > %(now)s
      and seen_at > %(now)s::timestamptz - %(idle)s::interval
      and seen_at < %(now)s::timestamptz - interval '1 minute'
)
select member.id, member.name, member.organisation, organisation.name as organisation_name,
       member.rights, session.expires_at,
       case when 'publish' = any(member.rights)
            then (select count(*) from draft
                  where draft.publisher = member.organisation and draft.ended_at is null)
            else 0 end as drafts
from member_session session
join member on member.id = session.member
join organisation on organisation.code = member.organisation
where session.secret_sha256 = %(secret_sha256)s and session.ended_at is null
  and session.expires_at > %(now)s and session.seen_at > %(now)s::timestamptz - %(idle)s::interval
  and member.disabled_at is null
