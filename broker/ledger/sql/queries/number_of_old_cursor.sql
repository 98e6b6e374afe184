-- A number at or before the first event that a reader with a cursor of the old form has not had; 0 when
-- the cursor is not of this ledger, or its event is in no feed of this publisher. Old cursors were in
-- the order of transactions, numbers are nearly so: no transaction was as long as 10,000 events of one
-- publisher, so no event after the cursor has a number further back.
select coalesce(
    (select min(later.number) - 1
     from (select feed.number
           from event known
           join feed place on place.event = known.id and place.publisher = %(publisher)s
           join feed on feed.publisher = %(publisher)s and feed.number > place.number - 10000
           join event on event.id = feed.event
           where known.id = %(event)s::bigint and known.transaction = %(transaction)s::text::xid8
             and (event.transaction, event.id) > (known.transaction, known.id)
           order by feed.number
           limit 1) as later),
    (select last_number
     from feed_position
     where exists (select
                   from event known
                   join feed place on place.event = known.id and place.publisher = %(publisher)s
                   where known.id = %(event)s::bigint
                     and known.transaction = %(transaction)s::text::xid8)),
    0) as number
