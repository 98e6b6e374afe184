-- A bucket of latencies ends exactly on every deadline that runs by the calendar, those in minutes
-- and of 2 and 8 hours as well: what was in time and what was not never lie in one bucket.

-- Nobody counts meanwhile, or reads a bucket's old number with the new edges.
lock table latency_delta, latency in access exclusive mode;

create temporary table old_edges on commit drop as
select ordinality - 1 as bucket, edge
from unnest(latency_edges() || double precision 'infinity')
    with ordinality as old (edge, ordinality);

-- Seconds. Most are a fifth above the one before, none more than 28 %.
create or replace function latency_edges() returns double precision[]
language sql immutable parallel safe
return array[
        0.25, 0.297, 0.354, 0.42, 0.5, 0.595, 0.707, 0.841, 1, 1.19, 1.41, 1.68, 2, 2.38, 2.83,
        3.36, 4, 4.76, 5.66, 6.73, 8, 9.51, 11.3, 13.5, 16, 19, 22.6, 26.9, 32, 38.1, 45.3,
        53.8, 64, 76.1, 90.5, 108, 128, 152, 181, 215, 256, 304, 362, 431, 512, 609, 724, 861,
        900, 1020, 1220, 1450, 1720, 1800, 2050, 2440, 2900, 3600, 4100, 4870, 5790, 6890, 7200,
        8190, 9740, 11600, 14400, 16400, 19500, 23200, 27600, 28800, 32800, 39000, 46300, 55100,
        65500, 77900, 86400, 110000, 131000, 156000, 185000, 220000, 259200, 312000, 371000,
        432000, 524000, 623000, 741000, 882000, 1050000, 1250000, 1480000, 1760000, 2100000,
        2490000, 2970000
    ]::double precision[];

-- Four buckets are split. What they counted goes to their upper halves, which end where they did:
-- it is late for the new edge, since nobody can know any more that it was not.
create temporary table renumbered on commit drop as
select bucket as old, width_bucket(edge - 5e-7, latency_edges()) as new
from old_edges;

alter table latency drop constraint latency_pkey;
update latency set bucket = new from renumbered where bucket = old and new <> old;
alter table latency add primary key (level, milestone, at, agency, bucket);
update latency_delta set bucket = new from renumbered where bucket = old and new <> old;
