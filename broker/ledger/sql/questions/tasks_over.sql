-- The open task about a question.
select id from task where referral = %(referral)s and pointer = %(pointer)s and state = 'open'
