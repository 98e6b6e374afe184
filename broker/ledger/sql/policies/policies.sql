-- Policy versions without their documents, the one in force first.
select version, sha256, published_at, calendar_sha256, calendar_ends
from policy
order by published_at desc, version desc
limit %(limit)s
