-- Number what was committed, and return where the feeds end.
select number_events() as last_number, id as epoch from present_epoch
