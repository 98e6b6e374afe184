-- The people of an organisation, or one of them; those who were disabled come last.
select id, organisation, name, email, rights, invited_at, invited_by, joined_at, disabled_at, cover,
       gets_mail, link_failed_at, link_failed_because, mobile.number as mobile
from member left join member_mobile mobile on mobile.member = member.id
where organisation = %(organisation)s and (%(id)s::uuid is null or id = %(id)s)
order by disabled_at is not null, name, id
