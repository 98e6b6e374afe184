-- Take the rows of these turns away again; who waits for one waits for the commit.
delete from mark_turn where mark = any(%(marks)b::bytea[])
