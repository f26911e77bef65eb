"""`make demo`: everything on this machine with a sample tenant, until Ctrl-C."""
