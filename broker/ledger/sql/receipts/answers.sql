-- What was answered before.
select delivery, stage, outcome, reason from answer where delivery = any(%(ids)s::uuid[])
