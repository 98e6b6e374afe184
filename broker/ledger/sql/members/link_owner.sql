-- Whose link this is, while it can be used.
select member.name, member.organisation, organisation.name as organisation_name
from member_link link
join member on member.id = link.member
join organisation on organisation.code = member.organisation
where link.secret_sha256 = %(secret_sha256)s and link.used_at is null
  and link.expires_at > %(now)s and member.disabled_at is null
  and not exists (select from member_sign_in way
                  where way.organisation = member.organisation and way.with_provider)
