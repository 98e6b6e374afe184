-- The last version of each of these organisations that is a row: its number and its document.
select distinct on (code) code, version, document
from organisation_version
where code = any(%(codes)s)
order by code, version desc
