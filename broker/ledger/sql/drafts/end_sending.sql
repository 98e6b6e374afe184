-- Let people save a draft again that could not be sent.
update draft
set sending_at = null
where id = %(id)s and publisher = %(publisher)s and ended_at is null and revision = %(revision)s
returning id
