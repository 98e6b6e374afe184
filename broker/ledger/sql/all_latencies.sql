-- Every latency that was ever counted, by agency, milestone and bucket.
select agency, milestone, bucket, sum(count)::bigint as count
from latency_seen
where level = 'all'
group by 1, 2, 3
order by 1, 2, 3
