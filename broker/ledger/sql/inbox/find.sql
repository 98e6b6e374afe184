-- What an agency has to do, or its people have looked at, whose reference contains a text, or whose
-- id or referral's id begins with it; what is to be done first.
with known as (
    select id from inbox_delivery where agency = %(agency)s and is_to_do
    union
    select delivery from (select delivery from look
                          where organisation = %(agency)s
                          order by at desc
                          limit 20000) recent
)
select id, referral, reference, publisher, kind, state, role, grade, available_at, due_at, milestone,
       is_acknowledged, is_paused, is_to_do, is_read, handler, handler_name, handled_at,
       handler_cover
from inbox_item
where agency = %(agency)s and id in (select id from known)
  and (strpos(lower(reference), %(text)s) > 0 or strpos(id::text, %(text)s) = 1
       or strpos(referral::text, %(text)s) = 1)
  and (%(kind)s::text is null or kind = %(kind)s)
  and (%(grade)s::text is null or grade = %(grade)s)
order by is_to_do desc, case when is_to_do then due_at end nulls last, available_at desc, id
limit %(limit)s
