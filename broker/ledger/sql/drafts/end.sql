-- End a draft that has not ended, and erase its content; the row stays as a record of who did it.
update draft
set body = null, ended_at = %(now)s, ended_by = %(member)s, ended_because = %(because)s,
    referral = %(referral)s
where id = %(id)s and publisher = %(publisher)s and ended_at is null
returning id
