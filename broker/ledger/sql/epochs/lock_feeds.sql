-- Let nobody number events or begin an epoch until the end of the transaction.
select last_number from feed_position for update
