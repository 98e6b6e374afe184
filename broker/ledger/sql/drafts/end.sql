-- End a draft that has not ended, and erase its content; the row stays as a record of who did it.
-- No row where somebody has saved it since this revision, where one is given.
update draft
set body = null, ended_at = %(now)s, ended_by = %(member)s, ended_because = %(because)s,
    referral = %(referral)s
where id = %(id)s and publisher = %(publisher)s and ended_at is null
  and (%(revision)s::bigint is null or revision = %(revision)s)
returning id
