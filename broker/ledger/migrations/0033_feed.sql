-- Events get their number in the feeds after their commit, and a ledger has an epoch: a cursor names
-- both, so neither a restore nor another database's transactions can make a feed skip anything.

create table epoch (
    place bigint generated always as identity primary key,
    id text not null unique check (id ~ '^e[0-9a-f]{9}$'),
    reason text not null check (reason in ('first', 'restored', 'copied', 'rewound', 'promoted')),
    began_at timestamptz not null,
    began_by text not null,
    last_number bigint not null,
    restored_to timestamptz,
    confirmed_at timestamptz,
    confirmed_by text,
    system_identifier bigint,
    timeline text,
    home oid[],
    check (reason in ('first', 'promoted') or restored_to is not null),
    check ((confirmed_at is null) = (confirmed_by is null))
);

comment on column epoch.last_number is 'the last number in the feeds when it began';
comment on column epoch.restored_to is 'what was committed after it may be missing';
comment on column epoch.home is 'the ids of the database and of this table: a dump that is loaded gets others';

insert into epoch (id, reason, began_at, began_by, last_number)
values ('e' || left(replace(gen_random_uuid()::text, '-', ''), 9), 'first', now(), 'broker', 0);

create view present_epoch as
select * from epoch order by place desc limit 1;

-- Nothing of a referral that was accepted before this is offered; no row: nothing is kept back.
create view quarantine as
select id, reason, began_at as before, restored_to
from present_epoch
where reason in ('restored', 'copied', 'rewound') and confirmed_at is null;

create table feed (
    event bigint primary key,
    publisher text not null,
    number bigint not null
);

create unique index feed_of_publisher on feed (publisher, number) include (event);

create trigger feed_append_only before update or delete on feed
    for each row execute function refuse_change();
create trigger feed_never_emptied before truncate on feed
    for each statement execute function refuse_change();

-- Where numbering stands: the last number, the last event that was looked at, and the ids up to there
-- that were not to be seen: their transactions still run, or were rolled back.
create table feed_position (
    single boolean primary key default true check (single),
    last_number bigint not null default 0,
    last_event bigint not null default 0,
    gaps int8multirange not null default '{}',
    suspects int8multirange not null default '{}',
    writers text[] not null default '{}',
    suspected_at timestamptz not null default now()
) with (fillfactor = 10);

comment on column feed_position.suspects is 'gaps that no later event fills once these writers have ended';

insert into feed_position default values;

-- Give the events that are committed and have no number the next ones; return the last number. Each
-- statement in it sees what was committed before it, so it must not run under a snapshot of its own.
create function number_events(most int default 5000)
returns bigint language plpgsql as $$
declare
    position feed_position;
    newest bigint;
    settled boolean := false;
    is_locked boolean := false;
    numbers bigint;
    visible int8multirange;
begin
    select * into position from feed_position;
    select max(id) into newest from event;
    if newest is null or (newest <= position.last_event and isempty(position.gaps)) then
        return position.last_number;
    end if;
    -- One call at a time. Another one may have begun before the reader's own event was committed, so
    -- it is waited for; but not for long, since its process may stand still.
    for attempt in 1..40 loop
        select * into position from feed_position for update skip locked;
        is_locked := found;
        exit when is_locked;
        perform pg_sleep(0.005);
    end loop;
    if not is_locked then
        return (select last_number from feed_position);
    end if;
    -- Before events are read: a writer's lock ends after its commit can be seen.
    if not isempty(position.suspects) then
        settled := not exists (select from pg_locks
                               where virtualtransaction = any(position.writers)
                                 and locktype = 'relation' and relation = 'event'::regclass
                                 and database = (select oid from pg_database
                                                 where datname = current_database()));
    end if;
    with late as (
        select event.id, event.publisher, event.kind
        from unnest(position.gaps) as gap (ids)
        join event on event.id >= lower(gap.ids) and event.id < upper(gap.ids)
    ),
    fresh as (
        select id, publisher, kind from event where id > position.last_event order by id limit most
    ),
    seen as (
        select id, publisher, kind from late union all select id, publisher, kind from fresh
    ),
    numbered as (
        -- How an agency is reached is not its publisher's business.
        insert into feed (event, publisher, number)
        select id, publisher, position.last_number + row_number() over (order by id)
        from seen
        where publisher is not null
          and kind not in ('delivery.leased', 'delivery.lapsed', 'delivery.deferred',
                           'delivery.sent')
        returning number
    )
    select coalesce((select max(number) from numbered), position.last_number),
           coalesce((select max(id) from fresh), position.last_event),
           coalesce((select range_agg(int8range(id, id + 1)) from seen), '{}')
    into numbers, newest, visible;
    position.gaps := position.gaps
                     + int8multirange(int8range(position.last_event + 1, newest + 1)) - visible;
    if settled then
        position.gaps := position.gaps - position.suspects;
        position.suspects := '{}';
    end if;
    if isempty(position.suspects) and not isempty(position.gaps)
       and clock_timestamp() > position.suspected_at + interval '1 second' then
        position.suspects := position.gaps;
        position.suspected_at := clock_timestamp();
        position.writers := array(
            select distinct virtualtransaction from pg_locks
            where locktype = 'relation' and relation = 'event'::regclass
              and mode <> 'AccessShareLock'
              and database = (select oid from pg_database where datname = current_database()));
    end if;
    update feed_position
    set last_number = numbers, last_event = newest, gaps = position.gaps,
        suspects = position.suspects, writers = position.writers,
        suspected_at = position.suspected_at;
    return numbers;
end
$$;
