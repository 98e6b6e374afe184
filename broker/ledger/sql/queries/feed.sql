-- A publisher's events after a cursor, up to where no running transaction can still add one.
select event.transaction::text || '-' || event.id as cursor, event.at, event.kind, event.referral,
       referral.reference, event.delivery, event.agency, event.actor, event.data
from event left join referral on referral.id = event.referral
where event.publisher = %(publisher)s
  and (event.transaction, event.id) > (%(transaction)s::text::xid8, %(last)s::bigint)
  and event.transaction < pg_snapshot_xmin(pg_current_snapshot())
  and event.kind not in ('delivery.leased', 'delivery.lapsed', 'delivery.deferred', 'delivery.sent')
order by event.transaction, event.id
limit %(limit)s
