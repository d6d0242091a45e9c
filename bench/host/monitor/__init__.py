"""What else the host did during a run, and what of that may have disturbed it."""
