-- Delete the rows of these turns; a transaction that waits for one still waits for the commit.
delete from mark_turn where mark = any(%(marks)b::bytea[])
