-- Delete the reports of processes that have not reported since an instant.
delete from process_report where reported_at < %(before)s
