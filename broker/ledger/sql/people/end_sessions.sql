-- Sign somebody out everywhere, whom a provider gives no right any more.
update session set ended_at = %(now)s
from person
where person.id = session.person and person.subject = %(subject)s and session.ended_at is null
