-- End a member's access, sessions and unused links, and forget their mobile, which is of no more use.
-- The last one who administers stays.
with gone as (
    update member set disabled_at = %(now)s
    where id = %(id)s and organisation = %(organisation)s and disabled_at is null
      and exists (select from member other
                  where other.organisation = %(organisation)s and other.id <> %(id)s
                    and other.disabled_at is null and 'administer' = any(other.rights))
    returning id
),
sessions as (
    update member_session set ended_at = %(now)s
    from gone
    where member_session.member = gone.id and ended_at is null
),
links as (
    update member_link set expires_at = least(expires_at, %(now)s)
    from gone
    where member_link.member = gone.id and used_at is null
),
mobiles as (
    update member_mobile set number = null, set_at = %(now)s
    from gone
    where member_mobile.member = gone.id and number is not null
)
select id from gone
