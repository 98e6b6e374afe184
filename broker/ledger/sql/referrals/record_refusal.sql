-- Record that a body was refused: digest, size and a code, never the body.
insert into refusal (publisher, digest, size, reason, at)
values (%(publisher)s, %(digest)s, %(size)s, %(reason)s, %(now)s)
