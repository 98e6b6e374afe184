-- Store the result of a list as the latest of its day, with an event if the number has changed.
with before as (
    select cardinality(missing) + cardinality(rejected) as count
    from reconciliation
    where publisher = %(publisher)s and day = %(day)s
    for no key update
),
result as (
    insert into reconciliation (publisher, day, at, listed, missing, rejected)
    values (%(publisher)s, %(day)s, %(now)s, %(listed)s, %(missing)s, %(rejected)s)
    on conflict (publisher, day) do update
    set at = excluded.at, listed = excluded.listed, missing = excluded.missing,
        rejected = excluded.rejected
)
insert into event (at, kind, publisher, actor, data)
select %(now)s, 'organisation.unreferred', %(publisher)s, %(actor)s, %(data)s::jsonb
where coalesce((select count from before), 0) <> %(count)s
