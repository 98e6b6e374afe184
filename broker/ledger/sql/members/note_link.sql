-- Keep that the last email with a link to a member could not be sent, and why; or that it was.
update member
set link_failed_at = case when %(code)s::text is not null then %(now)s::timestamptz end,
    link_failed_because = %(code)s
where id = %(member)s
  and (link_failed_because is not null or %(code)s::text is not null)
