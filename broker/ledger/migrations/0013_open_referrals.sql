-- The grades of what is open are read from an index of their own, however long the history is.

create index referral_open on referral (id) include (effective_grade)
    where state not in ('closed', 'rejected');
