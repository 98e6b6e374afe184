-- The policy under which an escalation began, whose steps it takes.
select policy_version from escalation where id = %(escalation)s
