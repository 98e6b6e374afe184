-- The number before the first event that a reader with a cursor of the old form has not had; 0 when
-- the cursor is not of this ledger.
select case when exists (select from event
                         where id = %(event)s::bigint and transaction = %(transaction)s::text::xid8)
            then (select coalesce(min(feed.number) - 1, (select last_number from feed_position))
                  from event
                  join feed on feed.event = event.id
                  where event.publisher = %(publisher)s
                    and (event.transaction, event.id)
                        > (%(transaction)s::text::xid8, %(event)s::bigint)
                    and event.kind not in ('delivery.leased', 'delivery.lapsed',
                                           'delivery.deferred', 'delivery.sent'))
            else 0
       end as number
