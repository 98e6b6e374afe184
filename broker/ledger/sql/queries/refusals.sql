-- Bodies that were refused and not kept, latest first.
select publisher, digest, size, reason, at
from refusal
where %(publisher)s::text is null or publisher = %(publisher)s
order by id desc
limit %(limit)s
