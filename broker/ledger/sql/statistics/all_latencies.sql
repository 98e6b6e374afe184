-- Every latency that was ever counted, by agency and milestone: how many in each bucket, and their sum.
with counted as (
    select agency, milestone, bucket, sum(count)::bigint as count,
           sum(microseconds)::bigint as microseconds
    from latency_seen
    where level = 'all'
    group by 1, 2, 3
)
select agency, milestone, array_agg(bucket) as buckets, array_agg(count) as counts,
       sum(microseconds)::bigint as microseconds
from counted
group by 1, 2
