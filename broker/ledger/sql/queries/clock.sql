-- PostgreSQL's clock; nothing is written from it.
select clock_timestamp() as at
