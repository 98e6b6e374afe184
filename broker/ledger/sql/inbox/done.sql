-- What an agency's people have finished, last looked at first: all of it, or of one kind or grade.
with looked as (
    select delivery, max(at) as at
    from (select delivery, at from look
          where organisation = %(agency)s
          order by at desc
          limit 2000) recent
    group by delivery
)
select id, referral, reference, publisher, kind, state, role, grade, available_at, due_at, milestone,
       is_acknowledged, is_paused, is_to_do, is_read, handler, handler_name, handled_at,
       handler_cover
from looked
join inbox_item on inbox_item.id = looked.delivery
where not is_to_do and agency = %(agency)s
  and (%(kind)s::text is null or kind = %(kind)s)
  and (%(grade)s::text is null or grade = %(grade)s)
order by looked.at desc, id
limit %(limit)s offset %(offset)s
