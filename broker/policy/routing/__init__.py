"""Who gets which part of a referral, why, and by when."""
