-- What was returned has a successor now, with another agency or the same: nobody must see to it.
update delivery
set sent_on_at = %(now)s
where id = any(%(ids)s::uuid[]) and state = 'returned'
