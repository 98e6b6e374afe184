-- The drafts of a publisher that have not ended, or the one of a reference; without content.
select draft.id, draft.reference, draft.corrects, draft.version, draft.revision, draft.began_at,
       draft.saved_at, draft.saved_by, saver.name as saver, draft.expires_at
from draft
join member saver on saver.id = draft.saved_by
where draft.publisher = %(publisher)s and draft.ended_at is null
  and (%(reference)s::text is null or draft.reference = %(reference)s)
order by draft.saved_at desc, draft.id
limit %(limit)s
