-- Hold the end of the directory against every other change of it, and say which revision is the last.
select revision, started_until
from directory_head
for update
