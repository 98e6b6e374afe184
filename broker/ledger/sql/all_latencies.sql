-- Every latency that was ever counted, and their sum, by agency, milestone and bucket.
select agency, milestone, bucket, sum(count)::bigint as count, sum(microseconds)::bigint as microseconds
from latency_seen
where level = 'all'
group by 1, 2, 3
order by 1, 2, 3
