-- The latest event before a rehearsal: whatever the rehearsal writes has a higher number.
select coalesce(max(id), 0) as id from event
