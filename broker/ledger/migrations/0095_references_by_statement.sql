-- What a new row names is looked up once a statement, and no longer by a foreign key for each row: a
-- referral, delivery, organisation or policy that is not there is refused as before. Of the time that
-- PostgreSQL took to route a referral the keys were a quarter. Keys that are seldom set stay.
-- The next file makes the triggers and takes the keys away.

create function check_new_referrals() returns trigger language plpgsql as $$
begin
    if exists (select from (select distinct publisher from new_rows) as named
               where (select code from organisation where code = named.publisher) is null) then
        raise foreign_key_violation using message = 'A referral names no organisation.';
    end if;
    return null;
end
$$;

create function check_new_deliveries() returns trigger language plpgsql as $$
begin
    if exists (select from (select distinct referral from new_rows) as named
               where (select id from referral where id = named.referral) is null)
       or exists (select from (select distinct agency from new_rows) as named
                  where (select code from organisation where code = named.agency) is null)
       or exists (select from (select distinct policy_version from new_rows) as named
                  where named.policy_version is not null
                    and (select version from policy
                         where version = named.policy_version) is null) then
        raise foreign_key_violation
            using message = 'A delivery names no referral, organisation or policy.';
    end if;
    return null;
end
$$;

create function check_named_referrals() returns trigger language plpgsql as $$
begin
    if exists (select from new_rows
               where (select id from referral where id = new_rows.referral) is null) then
        raise foreign_key_violation using message = 'A row names no referral.', table = tg_table_name;
    end if;
    return null;
end
$$;

create function check_named_deliveries() returns trigger language plpgsql as $$
begin
    if exists (select from new_rows
               where (select id from delivery where id = new_rows.delivery) is null) then
        raise foreign_key_violation using message = 'A row names no delivery.', table = tg_table_name;
    end if;
    return null;
end
$$;

-- What a row names is neither deleted nor given another key. Its arguments are its own key, then each
-- table that names it and the column there. The application's role may delete none of it in any case.
create function keep_what_is_named() returns trigger language plpgsql as $$
declare
    is_named boolean;
begin
    for place in 1..tg_nargs - 2 by 2 loop
        execute format('select exists (select from %I where %I = ($1).%I)',
                       tg_argv[place], tg_argv[place + 1], tg_argv[0])
        into is_named using old;
        if is_named then
            raise foreign_key_violation
                using message = format('A row of %s still names it.', tg_argv[place]);
        end if;
    end loop;
    return case tg_op when 'DELETE' then old else new end;
end
$$;
