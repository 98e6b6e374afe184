-- Whether a referral holds its publisher's reference, so that no other one may have it: in the words
-- of the index referral_reference.
create function holds_reference(referral referral)
returns boolean language sql immutable parallel safe
return referral.state <> 'rejected'
       and not (referral.state = 'closed' and referral.routed_at is null
                and referral.recalled_at is null);
