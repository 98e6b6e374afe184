-- The server that holds the ledger now, and the one that the present epoch was recorded with.
select (select system_identifier from pg_control_system()) as system_identifier,
       left(pg_walfile_name(pg_current_wal_lsn()), 8) as timeline,
       array[(select oid from pg_database where datname = current_database()),
             'epoch'::regclass::oid] as home,
       exists (select from pg_settings
               where name in ('recovery_target', 'recovery_target_lsn', 'recovery_target_name',
                              'recovery_target_time', 'recovery_target_xid')
                 and setting <> '') as has_target,
       recorded.id as epoch, recorded.system_identifier as recorded_identifier,
       recorded.timeline as recorded_timeline, recorded.home as recorded_home,
       (select last_number from feed_position) as last_number
from present_epoch as recorded
