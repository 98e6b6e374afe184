-- Sign a person out everywhere, because a provider gives them no right any more.
update session set ended_at = %(now)s
from person
where person.id = session.person and person.subject = %(subject)s and session.ended_at is null
