-- The policy versions that were published last.
select version, encode(sha256, 'hex') as sha256, published_at,
       encode(calendar_sha256, 'hex') as calendar_sha256, calendar_ends
from policy
order by published_at desc, version desc
limit %(limit)s
