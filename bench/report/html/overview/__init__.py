"""The table at the top of a page: a line per diagnostic and host."""
