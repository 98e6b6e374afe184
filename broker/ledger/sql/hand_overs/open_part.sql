-- The same part of a referral that the other team has open already, as after a change of the grade
-- while an office was closed. A team may have one for each of several offices.
select id
from delivery
where referral = %(referral)s and agency = %(agency)s and policy_row = %(row)s
  and kind = 'referral' and is_unfinished(state)
  and stands_in_for is not distinct from %(office)s::text
order by id desc
limit 1
