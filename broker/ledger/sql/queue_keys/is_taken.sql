-- Whether a message of receipts was taken before.
select exists (
    select from receipt_message where key = %(key)s and id = %(id)s
) as taken
