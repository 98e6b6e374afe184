-- Forget what came of lists of days long past.
delete from reconciliation where day < %(before)s returning day
