-- Who may sign in with an email address: a person may belong to several organisations. Only the case
-- of A to Z may differ: other letters that are made small alike are somebody else's address.
select member.id, member.organisation, organisation.name as organisation_name, member.name,
       coalesce(way.with_provider, false) as with_provider
from member join organisation on organisation.code = member.organisation
left join member_sign_in way on way.organisation = member.organisation
where lower(member.email) = lower(%(email)s)
  and lower(member.email collate "C") = lower(%(email)s::text collate "C")
  and member.disabled_at is null
order by organisation.name
