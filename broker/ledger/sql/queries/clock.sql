-- The server's own clock; nothing is ever written from it.
select clock_timestamp() as at
