-- Take the test referral that waits, if it was begun in time: of several workers one gets it. One
-- whose worker dies stays taken and never comes through; the next one is begun all the same.
update synthetic_test
set taken_at = %(now)s
where taken_at is null and begun_at between %(since)s and %(until)s
returning id, begun_at
