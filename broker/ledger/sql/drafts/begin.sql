-- Begin a draft. No row where the publisher has too many, or one of this reference: the index lets
-- only one of two that begin at the same time through.
insert into draft (id, publisher, reference, corrects, version, body, began_at, began_by, saved_at,
                   saved_by, expires_at)
select %(id)s, %(publisher)s, %(reference)s, %(corrects)s, %(version)s, %(body)s, %(now)s,
       %(member)s, %(now)s, %(member)s, %(expires_at)s
where (select count(*) from draft
       where publisher = %(publisher)s and ended_at is null) < %(most)s
on conflict (publisher, reference) where ended_at is null do nothing
returning id
