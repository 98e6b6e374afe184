-- Tell whether a version that was set for a later time starts now.
select exists (
    select
    from organisation_version, directory_head
    where starts_at > recorded_at and starts_at <= %(now)s and starts_at > started_until
) as are_due
