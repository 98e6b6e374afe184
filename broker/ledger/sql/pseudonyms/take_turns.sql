-- Let one transaction at a time count these pseudonyms: inserting one that another transaction has
-- inserted waits for its commit. In the order of the values, so that no two wait for each other.
insert into mark_turn (mark)
select mark from unnest(%(marks)b::bytea[]) as row (mark) order by mark
on conflict (mark) do update set mark = excluded.mark
