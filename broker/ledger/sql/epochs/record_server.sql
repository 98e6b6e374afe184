-- Record the server that holds the ledger with the present epoch.
update epoch
set system_identifier = %(system_identifier)s::bigint, timeline = %(timeline)s,
    home = %(home)s::oid[]
where place = (select place from present_epoch)
