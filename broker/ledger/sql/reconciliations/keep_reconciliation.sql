-- Keep what came of a list as the last word about its day, and tell it if the number is another.
with before as (
    select cardinality(missing) + cardinality(rejected) as count
    from reconciliation
    where publisher = %(publisher)s and day = %(day)s
    for no key update
),
kept as (
    insert into reconciliation (publisher, day, at, listed, missing, rejected)
    values (%(publisher)s, %(day)s, %(now)s, %(listed)s, %(missing)s, %(rejected)s)
    on conflict (publisher, day) do update
    set at = excluded.at, listed = excluded.listed, missing = excluded.missing,
        rejected = excluded.rejected
)
insert into event (at, kind, publisher, actor, data)
select %(now)s, 'organisation.unreferred', %(publisher)s, %(actor)s, %(data)s::jsonb
where coalesce((select count from before), 0) <> %(count)s
