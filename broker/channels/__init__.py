"""How deliveries go out: one file for each channel, one line for each in ``registry``."""
