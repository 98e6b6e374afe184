-- Invite somebody to an organisation's inbox, or invite a known address again, with these rights. The
-- last one who administers keeps that right. A member invited again may come with another account.
with invited as (
    insert into member (id, organisation, name, email, rights, invited_at, invited_by)
    values (%(id)s, %(organisation)s, %(name)s, %(email)s, %(rights)s, %(now)s, %(by)s)
    on conflict (organisation, lower(email)) do update
    set name = excluded.name, rights = excluded.rights, disabled_at = null
    where 'administer' = any(excluded.rights)
       or not ('administer' = any(member.rights) and member.disabled_at is null)
       or exists (select from member other
                  where other.organisation = member.organisation and other.id <> member.id
                    and other.disabled_at is null and 'administer' = any(other.rights))
    returning id
),
forgotten as (
    update member_account set subject = null
    from invited
    where member_account.member = invited.id
)
select id from invited
