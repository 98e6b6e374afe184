-- What was answered before; of several decisions the one that stands.
select distinct on (delivery, stage)
       delivery, stage, number, outcome, reason, note, views_considered, child_told, at
from answer
where delivery = any(%(ids)s::uuid[])
order by delivery, stage, number desc
