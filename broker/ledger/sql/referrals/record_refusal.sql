insert into refusal (publisher, digest, size, reason, at)
values (%(publisher)s, %(digest)s, %(size)s, %(reason)s, %(now)s)
