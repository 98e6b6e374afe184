-- Who saw a delivery of their organisation, and when, newest first.
select look.at, look.kind, member.id as member, member.name
from look join member on member.id = look.member
where look.delivery = %(delivery)s and look.organisation = %(agency)s
order by look.at desc, look.id desc
limit %(limit)s
