-- One version's documents, or those that were published last.
select version, documents
from policy
where %(version)s::text is null or version = %(version)s
order by published_at desc, version desc
limit 1
