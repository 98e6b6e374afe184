-- Record which bodies were refused: digest, size and a code of each, never the body.
insert into refusal (publisher, digest, size, reason, at)
select publisher, digest, size, reason, at
from unnest(%(publishers)b::text[], %(digests)b::bytea[], %(sizes)b::int[], %(reasons)b::text[],
            %(at)b::timestamptz[])
    with ordinality as row (publisher, digest, size, reason, at, place)
order by place
