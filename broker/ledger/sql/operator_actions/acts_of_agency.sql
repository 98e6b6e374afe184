-- What people did about an organisation, latest first.
select at, kind, by, delivery, reason
from act
where organisation = %(agency)s
order by at desc, id desc
limit %(limit)s
