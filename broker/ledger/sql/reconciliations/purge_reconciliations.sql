-- Delete the results of days long past.
delete from reconciliation where day < %(before)s returning day
