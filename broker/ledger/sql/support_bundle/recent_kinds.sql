-- The kinds of the last events: when, and of which organisations. No id, no actor, no detail.
select at, kind, publisher, agency
from event
order by id desc
limit %(limit)s
