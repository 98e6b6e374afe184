-- One draft of its own publisher, with its content; once it has ended without, and what it became.
select draft.id, draft.reference, draft.corrects, draft.version, draft.revision, draft.began_at,
       draft.saved_at, draft.saved_by, saver.name as saver, draft.expires_at, draft.last_number, draft.sending_at,
       coalesce(draft.body, '') as body, draft.ended_because, draft.referral
from draft
join member saver on saver.id = draft.saved_by
where draft.id = %(id)s and draft.publisher = %(publisher)s
