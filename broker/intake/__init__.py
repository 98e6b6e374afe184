"""How referrals and answers come in: one file each, one line in ``registry``."""
