-- What the team that hands over a delivery has answered, in its order.
select stage, at, given_by as by, outcome, reason, note
from answer
where delivery = %(delivery)s
order by at, number
