-- Lock the people of an organisation, in the order of their ids. So of two who end each other's right
-- to administer at once, the second sees that the first has: one of them keeps it.
select id
from member
where organisation = %(organisation)s and disabled_at is null
order by id
for no key update
