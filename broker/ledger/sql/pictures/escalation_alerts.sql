-- The alerts of one escalation, in the order in which they were asked for.
select (notice.data ->> 'step')::int as step, notice.organisation, organisation.name,
       notice.contact, notice.channel, notice.state, notice.created_at as asked_at, notice.ended_at,
       notice.code
from notice
join organisation on organisation.code = notice.organisation
where notice.escalation = %(escalation)s and notice.data ? 'step'
order by notice.id
limit %(limit)s
